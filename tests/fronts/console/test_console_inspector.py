"""The console's inspector: what a token is, whoever made it."""

import json
import logging

import pytest

from tests.console import Operator, text_of

HOSTILE = "<script>alert(1)</script>'\"><img src=x onerror=alert(1)>"


async def test_the_inspector_tells_what_a_token_is(alice: Operator, caplog: pytest.LogCaptureFixture) -> None:
    """It is neither logged, nor kept, nor shown again, nor in a URL."""
    caplog.set_level(logging.DEBUG)
    world = alice.world
    client = await world.client(name="The Shop")
    await world.user()
    tokens = await world.tokens(client)
    before = set(world.redis.dump())
    shown = await alice.post("/console/inspector", token=f"\r\n {tokens['access_token']} ")
    told = text_of(shown)
    assert "good Access token" in told
    assert all(word in told for word in ("alice", "The Shop", "read", "write"))
    assert tokens["access_token"] not in shown.text
    assert tokens["access_token"] not in caplog.text
    assert set(world.redis.dump()) <= before
    assert tokens["access_token"][28:] not in json.dumps(list(map(str, world.redis.dump().items())))
    await world.revoke(tokens["refresh_token"])
    told = text_of(await alice.post("/console/inspector", token=tokens["access_token"]))
    assert "refused Access token" in told
    assert "What is over is not kept" in told


@pytest.mark.parametrize("token", ["<script>alert(1)</script>", "mm_at_x", "a.b.c", "ü", HOSTILE, "\U0001f600" * 500])
async def test_the_inspector_does_not_choke(alice: Operator, token: str) -> None:
    shown = await alice.post("/console/inspector", token=token)
    assert (shown.status, "Nothing that is known here" in shown.text) == (200, True)
    assert token not in shown.text
    assert "<script>" not in shown.text


async def test_hostile_claims_are_only_text(alice: Operator) -> None:
    from service.protocol.credentials import base64url

    claims = {"iss": HOSTILE, "sub": HOSTILE, HOSTILE: {"a": [HOSTILE]}, "exp": 10**17, "aud": [1, None]}
    parts = [base64url(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": HOSTILE}, claims)]
    shown = await alice.post("/console/inspector", token=".".join([*parts, "AAAA"]))
    assert (shown.status, "issued by another issuer" in text_of(shown)) == (200, True)
    assert "<script>" not in shown.text
    assert "<img" not in shown.text


async def test_an_empty_field_is_told(alice: Operator) -> None:
    shown = await alice.post("/console/inspector", token="  ")
    assert (shown.status, "Paste a token first." in text_of(shown)) == (422, True)
