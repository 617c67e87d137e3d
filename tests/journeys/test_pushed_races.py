"""One pushed request, many browsers at once, on standalone, Sentinel and Cluster: one of them ends with a code (P1)."""

import asyncio
from collections import Counter

import pytest

from service.app import open_issuer
from service.redis.script import SCRIPTS
from tests.cutting_proxy import CuttingProxy
from tests.deciding import backend
from tests.person import Person, Shown
from tests.pushing import come, pushed
from tests.world import World, in_process, settings_for

AT_ONCE = 30
ROUNDS = 4


async def _signed_in(world: World) -> list[Person]:
    await world.openid_client(skip_consent=True)
    await world.user()
    first = Person(world)
    await first.sign_in()
    return [Person(world, dict(first.cookies)) for _ in range(AT_ONCE)]


def _ends(shown: list[Shown]) -> Counter[str]:
    return Counter("code" if "code" in each.answer else each.error for each in shown)


async def test_of_many_browsers_that_need_no_page_one_gets_a_code(any_world: World) -> None:
    people = await _signed_in(any_world)
    for _ in range(ROUNDS):
        uri = await pushed(any_world)
        assert _ends(await asyncio.gather(*(come(each, uri) for each in people))) == {
            "code": 1,
            "invalid_request_uri": AT_ONCE - 1,
        }


async def test_of_many_forms_one_gets_a_code(any_world: World) -> None:
    """Each has its own page, and all are sent at once; who says no ends it like who signs in."""
    people = await _signed_in(any_world)
    for _ in range(ROUNDS):
        uri = await pushed(any_world, prompt="login")
        pages = await asyncio.gather(*(come(each, uri) for each in people))
        said = [
            {"cancel": "1"} if turn % 3 else {"username": "alice", "password": "wonderland"} for turn in range(AT_ONCE)
        ]
        shown = await asyncio.gather(
            *(each.submit(page, **fields) for each, page, fields in zip(people, pages, said, strict=True))
        )
        assert sum(bool(each.location) for each in shown) == 1
        assert Counter(each.status for each in shown if not each.location) == {400: AT_ONCE - 1}


async def test_of_two_tickets_for_the_same_request_one_is_answered(any_world: World) -> None:
    """A backend that calls the decision API is held to the same."""
    async with backend(any_world) as caller:
        await caller.world.openid_client()
        for _ in range(ROUNDS):
            uri = await pushed(caller.world)
            parameters = f"client_id=app&request_uri={uri}"
            tickets = [
                (await caller.answer("/auth/authorization", parameters=parameters))["ticket"] for _ in range(AT_ONCE)
            ]
            answers = await asyncio.gather(
                *(caller.answer("/auth/authorization/issue", ticket=ticket, subject="alice") for ticket in tickets)
            )
            assert Counter(answer["action"] for answer in answers) == {"LOCATION": 1, "BAD_REQUEST": AT_ONCE - 1}


@pytest.mark.parametrize("moment", ["cut_before", "cut_after"])
@pytest.mark.parametrize("command", ["SET", "GET", "spend"])
async def test_a_connection_that_is_lost_spends_nothing_twice(world: World, moment: str, command: str) -> None:
    """P3: whichever command or reply is lost, it is sent again and recognised, and the client gets its code."""
    person = (await _signed_in(world))[0]
    [spend] = [{one.sha.encode(), one.plain_sha.encode()} for one in SCRIPTS if one.name == "spend_pushed_request"]
    async with (
        CuttingProxy(world.redis.nodes[0].host, world.redis.nodes[0].port) as proxy,
        open_issuer(settings_for(proxy.url), listen=False) as issuer,
        in_process(issuer) as http,
    ):
        through = World(issuer, http, world.redis)
        person.world = through
        await come(person, await pushed(through))
        getattr(proxy, moment)(command if command != "spend" else lambda sent: bool(spend & set(sent)))
        uri = await pushed(through)
        assert "code" in (await come(person, uri)).answer
        assert sum(proxy.cuts.values()) == 1
        assert (await come(person, uri)).error == "invalid_request_uri"
