"""The event refresh: a hook may say no, and then the refresh token is as good as before (IRIS OnRefreshAccessToken)."""

from collections.abc import AsyncIterator

import pytest

from tests.hooks.receiver import Receiver, hooked, saying
from tests.redis_shapes import Shape
from tests.world import World

YES = {"allow": True}


@pytest.fixture
async def world(redis: Shape, receiver: Receiver) -> AsyncIterator[World]:
    receiver.answers["refresh"] = YES
    async with hooked(redis, {"risk": {"url": receiver.url, "events": ["refresh"]}}) as made:
        yield made


@pytest.mark.parametrize("rotation", ["always", "never"])
async def test_a_refresh_that_a_hook_refuses_spends_nothing(world: World, receiver: Receiver, rotation: str) -> None:
    """IRIS OnRefreshAccessToken: invalid_grant with the hook's text; the same refresh token works when it says yes."""
    tokens = await world.tokens(await world.client(refresh_rotation=rotation))
    receiver.answers["refresh"] = {"allow": False, "message": "Your account is under review."}
    refused = await world.refresh(tokens["refresh_token"])
    assert refused.status == 400
    assert await refused.json() == {"error": "invalid_grant", "error_description": "Your account is under review."}
    receiver.answers["refresh"] = YES
    assert (await world.refresh(tokens["refresh_token"])).status == 200


async def test_without_a_text_the_client_gets_the_usual_one(world: World, receiver: Receiver) -> None:
    tokens = await world.tokens(await world.client())
    receiver.answers["refresh"] = {"allow": False}
    body = await (await world.refresh(tokens["refresh_token"])).json()
    assert (body["error"], "invalid, expired" in body["error_description"]) == ("invalid_grant", True)


async def test_a_text_cannot_break_the_answer(world: World, receiver: Receiver) -> None:
    """RFC 6749 5.2: what error_description may hold."""
    tokens = await world.tokens(await world.client())
    receiver.answers["refresh"] = {"allow": False, "message": 'a\r\nSet-Cookie: b="c\\'}
    refused = await world.refresh(tokens["refresh_token"])
    assert (await refused.json())["error_description"] == "a??Set-Cookie: b='c?"
    assert "Set-Cookie" not in refused.headers


async def test_the_facts_of_a_refresh(world: World, receiver: Receiver) -> None:
    tokens = await world.tokens(await world.client(), session="sid-1")
    await world.refresh(tokens["refresh_token"], scope="read")
    (facts,) = receiver.of("refresh")
    assert facts["grant_id"] == tokens["refresh_token"].removeprefix("mm_rt_")[:22]
    told = {name: facts[name] for name in ("grant_type", "begun_by", "client_id", "subject", "scope", "session_id")}
    assert told == {
        "grant_type": "refresh_token",
        "begun_by": "authorization_code",
        "client_id": "app",
        "subject": "alice",
        "scope": "read",
        "session_id": "sid-1",
    }


async def test_neither_a_repeated_nor_a_reused_token_asks(world: World, receiver: Receiver) -> None:
    """P2: the answer to the first is fixed by now, the second is refused whatever a hook says."""
    tokens = await world.tokens(await world.client())
    first = await world.refresh(tokens["refresh_token"])
    receiver.answers["refresh"] = {"allow": False}
    again = await world.refresh(tokens["refresh_token"])
    assert await again.read() == await first.read()
    world.expire(":reply:")
    assert (await world.refresh(tokens["refresh_token"])).status == 400
    assert len(receiver.heard) == 1


@pytest.mark.parametrize("body", [b"", b"{}", b'{"allow": "false"}', b'{"allow": 1}', b'{"allow": true, "alow": 1}'])
async def test_what_is_neither_yes_nor_no_is_a_failure(world: World, receiver: Receiver, body: bytes) -> None:
    tokens = await world.tokens(await world.client())
    receiver.turn = saying(body=body)
    assert (await world.refresh(tokens["refresh_token"])).status == 503
    receiver.turn = saying(204)
    assert (await world.refresh(tokens["refresh_token"])).status == 503
    receiver.turn = None
    assert (await world.refresh(tokens["refresh_token"])).status == 200


async def test_a_veto_that_is_down_can_be_done_without(redis: Shape, receiver: Receiver) -> None:
    hook = {"url": receiver.url, "events": ["refresh"], "on_failure": "go_on"}
    async with hooked(redis, {"risk": hook}) as world:
        tokens = await world.tokens(await world.client())
        receiver.turn = saying(500)
        assert (await world.refresh(tokens["refresh_token"])).status == 200


async def test_somebody_else_s_refresh_token_asks_nobody(world: World, receiver: Receiver) -> None:
    tokens = await world.tokens(await world.client())
    await world.client("other")
    assert (await world.refresh(tokens["refresh_token"], "other")).status == 400
    assert receiver.heard == []
