"""Tickets of the decision API, raced through two issuers on standalone, Sentinel and Cluster: exactly one use counts."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.app import open_issuer
from tests.cutting_proxy import CuttingProxy
from tests.deciding import Backend, backend
from tests.world import CALLBACK, SECRET, World, settings_for

AT_ONCE = 100
ROUNDS = 3


@pytest.fixture
async def callers(any_world: World) -> AsyncIterator[list[Backend]]:
    """The same caller at two services on one Redis."""
    async with (
        open_issuer(settings_for(any_world.redis.url)) as other,
        backend(any_world) as one,
        backend(World(other, any_world.http, any_world.redis)) as two,
    ):
        yield [one, two]


async def _at_once(callers: list[Backend], paths: list[str], **members: Any) -> list[tuple[str, dict[str, Any]]]:
    """The same call many times at once, at both services in turn, on these paths in turn."""
    turns = [(paths[turn % len(paths)], callers[turn // len(paths) % 2]) for turn in range(AT_ONCE)]
    answers = await asyncio.gather(*(caller.answer(path, **members) for path, caller in turns))
    return [(path, answer) for (path, _), answer in zip(turns, answers, strict=True)]


async def test_one_ticket_brings_one_code(callers: list[Backend]) -> None:
    """AU-15, P1: of a hundred /issue and /fail at once one wins, and there is at most one grant."""
    world = callers[0].world
    await world.openid_client()
    parameters = f"response_type=code&client_id=app&scope=openid&redirect_uri={CALLBACK}"
    for _ in range(ROUNDS):
        ticket = (await callers[0].answer("/auth/authorization", parameters=parameters))["ticket"]
        paths = ["/auth/authorization/issue", "/auth/authorization/fail"]
        answers = await _at_once(callers, paths, ticket=ticket, subject="alice", reason="DENIED")
        won = [answer for _, answer in answers if answer["action"] == "LOCATION"]
        assert len(won) == 1
        assert Counter(answer["resultCode"] for _, answer in answers)["M000011"] == AT_ONCE - 1
        grants = (await world.issuer.store.grants.list_of_user("alice")).grants
        assert len(grants) == ("code=" in won[0]["responseContent"])
        await world.issuer.store.grants.revoke_user("alice")


async def test_one_ticket_brings_one_token(callers: list[Backend]) -> None:
    """AU-08, AU-09, AU-15: the same for a password."""
    world = callers[0].world
    await world.client()
    asked = {"parameters": "grant_type=password&username=alice&password=x", "clientId": "app", "clientSecret": SECRET}
    for _ in range(ROUNDS):
        ticket = (await callers[0].answer("/auth/token", **asked))["ticket"]
        reason = "INVALID_RESOURCE_OWNER_CREDENTIALS"
        paths = ["/auth/token/issue", "/auth/token/fail"]
        answers = await _at_once(callers, paths, ticket=ticket, subject="alice", reason=reason)
        results = Counter(answer["resultCode"] for _, answer in answers)
        assert results["M000011"] == AT_ONCE - 1
        issued = [answer for _, answer in answers if "accessToken" in answer]
        assert len((await world.issuer.store.grants.list_of_user("alice")).grants) == len(issued) <= 1
        await world.issuer.store.grants.revoke_user("alice")


@pytest.mark.parametrize("moment", ["cut_before", "cut_after"])
async def test_a_connection_that_is_lost_uses_no_ticket_up_for_nothing(world: World, moment: str) -> None:
    """P3: whichever command or reply of /issue is lost, it is sent again and the caller gets the one code."""
    await world.openid_client()
    parameters = f"response_type=code&client_id=app&scope=openid&redirect_uri={CALLBACK}"
    async with CuttingProxy(world.redis.nodes[0].host, world.redis.nodes[0].port) as proxy:
        settings = settings_for(proxy.url)
        async with open_issuer(settings, listen=False) as issuer:
            through = World(issuer, world.http, world.redis)
            for command in ("GET", "EVALSHA", "SET"):
                async with backend(through) as caller:
                    getattr(proxy, moment)(command)
                    ticket = (await caller.answer("/auth/authorization", parameters=parameters))["ticket"]
                    getattr(proxy, moment)(command)
                    answer = await caller.answer("/auth/authorization/issue", ticket=ticket, subject="alice")
                    assert answer["action"] == "LOCATION", (command, answer)
                    assert (await caller.answer("/auth/authorization/issue", ticket=ticket, subject="alice"))[
                        "resultCode"
                    ] == "M000011"
    assert len((await world.issuer.store.grants.list_of_user("alice")).grants) == 3
