"""Where a redirect URI leads, in the words of people."""

import pytest

from service.protocol.destinations import destination, host, is_claimed


@pytest.mark.parametrize(
    ("uri", "kind", "name", "claimed"),
    [
        ("https://App.example/callback", "web", "app.example", True),
        ("https://app.example:8443/callback", "web", "app.example:8443", True),
        ("http://127.0.0.1:51234/callback", "device", "127.0.0.1:51234", False),
        ("http://[::1]/callback", "device", "[::1]", False),
        ("com.example.app:/callback", "app", "com.example.app", False),
        ("com.evil.app://bank.example/callback", "app", "com.evil.app", False),
    ],
)
def test_where_it_leads(uri: str, kind: str, name: str, claimed: bool) -> None:
    assert destination(uri) == (kind, name)
    assert is_claimed(uri) is claimed


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("https://A.example:8443/logo.png", "a.example"),
        ("http://a.example/", ""),
        ("com.app://a.example/", ""),
        ("https://[::1", ""),
    ],
)
def test_only_https_has_a_host_to_compare(uri: str, name: str) -> None:
    assert host(uri) == name
