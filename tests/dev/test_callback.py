"""The demo's page for codes: it shows what to do with one, and nothing that was sent to it runs there."""

from types import SimpleNamespace

import pytest

from service.dev import callback, demo


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"code": "mm_ac_x", "iss": "y"}, "-d &#x27;code=mm_ac_x&#x27; http://127.0.0.1:8080/token"),
        ({"error": "access_denied", "error_description": "The user said no."}, "access_denied: The user said no."),
        ({}, "Nothing was sent here"),
        ({"code": "</pre><script>alert(1)</script>"}, "&lt;script&gt;"),
        ({"error": "<script>", "error_description": "<script>"}, "&lt;script&gt;"),
    ],
)
async def test_it_shows_what_came(query: dict[str, str], told: str) -> None:
    show = callback.handlers("http://127.0.0.1:8080")[demo.CALLBACK_PATH]
    response = await show(SimpleNamespace(query=query))  # type: ignore[arg-type]
    assert told in response.text  # type: ignore[attr-defined]
    assert 'href="http://127.0.0.1:8080/authorize?response_type=code&amp;client_id=demo&amp;' in response.text  # type: ignore[attr-defined]
    assert "<script" not in response.text  # type: ignore[attr-defined]
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
