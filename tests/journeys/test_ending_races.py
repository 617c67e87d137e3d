"""Everything is ended while people sign in, at another process: each sign-in survives as a whole, or is dead as a whole."""

import asyncio
from dataclasses import dataclass

import pytest

from service.admin import everything
from service.app import open_issuer
from tests.person import Person
from tests.world import VERIFIER, World, settings_for

pytestmark = pytest.mark.slow

PEOPLE = 120
CLIENTS = ("app", "other", "third")
_AT_ONCE = 12


@dataclass
class Visit:
    """A browser and what it got at two clients."""

    person: Person
    tokens: dict[str, str]


async def sign_in(world: World) -> Visit | None:
    """Sign in and get tokens at one client, then silently at the others; None where the way was cut off in the middle."""
    person, tokens = Person(world), dict[str, str]()
    for name in CLIENTS:
        shown = await (person.sign_in(name) if not tokens else person.authorize(name))
        if "code" not in shown.answer:
            break
        response = await world.redeem(shown.answer["code"], name, code_verifier=VERIFIER)
        if response.status != 200:
            break
        tokens[name] = (await response.json())["access_token"]
    return Visit(person, tokens) if tokens else None


async def state_of(world: World, visit: Visit) -> set[bool]:
    """Whether what it got is alive, and the session."""
    alive = {await world.is_active(token, name) for name, token in visit.tokens.items()}
    return alive | {"code" in (await visit.person.authorize(prompt="none")).answer}


async def test_a_sign_in_meanwhile_is_dead_or_alive_as_a_whole(any_world: World) -> None:
    for name in CLIENTS:
        await any_world.openid_client(name, skip_consent=True)
    await any_world.user()
    before = [visit for visit in await asyncio.gather(*(sign_in(any_world) for _ in range(8))) if visit]
    assert len(before) == 8
    during: list[Visit] = []
    ended = asyncio.Event()

    async def visitor() -> None:
        while not ended.is_set() or len(during) < PEOPLE:
            if visit := await sign_in(any_world):
                during.append(visit)

    async with open_issuer(settings_for(any_world.redis.url)) as elsewhere:
        visitors = [asyncio.ensure_future(visitor()) for _ in range(_AT_ONCE)]
        for _ in range(10):
            cursor = ""
            while True:
                cursor = (await everything.end_everything(elsewhere, cursor)).cursor
                if not cursor:
                    break
            for visit in before:
                assert await state_of(any_world, visit) == {False}, "it was there before"
            before = during[-1:]
            during_so_far = len(during)
            while len(during) < during_so_far + _AT_ONCE:
                await asyncio.sleep(0.01)
        ended.set()
        await asyncio.gather(*visitors)
    assert len(during) >= PEOPLE
    states = [await state_of(any_world, visit) for visit in during]
    assert {False} in states
    assert {True} in states
    assert {True, False} not in states
