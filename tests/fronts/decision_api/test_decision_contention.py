"""Changes that lose against others at the same time."""

import asyncio

import pytest

from tests.deciding import Backend


async def test_a_call_that_loses_against_others_may_be_sent_again(
    caller: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no refusal: the same call may succeed."""
    monkeypatch.setattr("service.admin.clients._TRIES", 1)
    await caller.world.client(default_scope="")
    scopes = ([word] for _ in range(8) for word in ("read", "write"))
    path = "/client/extension/requestable_scopes/update/app"
    calls = (caller.post(path, {"requestableScopes": requested}) for requested in scopes)
    answers = [(response.status, (await response.json())["resultCode"]) for response in await asyncio.gather(*calls)]
    assert (503, "M000009") in answers
    assert {status for status, _ in answers} == {200, 503}
