"""/auth/token: what is asked for twice within the grace gets the same answer, what is asked otherwise gets its own (P2)."""

import json
import logging

import pytest

from tests.deciding import Backend
from tests.fronts.decision_api.token_calls import ask

A, B = "https://a.example", "https://b.example"


async def test_only_the_same_refresh_is_repeated(caller: Backend, caplog: pytest.LogCaptureFixture) -> None:
    client = await caller.world.client(audiences=(A, B))
    form = {
        "grant_type": "refresh_token",
        "refresh_token": (await caller.world.tokens(client, audience=(A, B)))["refresh_token"],
    }
    first = await ask(caller, resource=A, **form)
    with caplog.at_level(logging.WARNING):
        other, again = await ask(caller, resource=B, **form), await ask(caller, resource=A, **form)
    assert again.responseContent == first.responseContent
    assert (await caller.world.introspect(other.accessToken))["aud"] == [B]
    assert (await caller.world.introspect(first.accessToken))["aud"] == [A]
    assert json.loads(other.responseContent)["refresh_token"] == first.refreshToken
    assert [record.message for record in caplog.records].count("refresh_token_repeated") == 2
    successor = await ask(caller, grant_type="refresh_token", refresh_token=first.refreshToken)
    assert successor.action.name == "OK"
    assert (await ask(caller, resource=A, **form)).action.name == "BAD_REQUEST", "its successor was used"
    assert not await caller.world.is_active(successor.accessToken)
