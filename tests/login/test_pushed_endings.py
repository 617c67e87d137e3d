"""How pushed requests end: once, and so that the client hears of it, whatever goes wrong at the end (RFC 9126 section 4)."""

import pytest

from tests.person import Person
from tests.pushing import come, pushed
from tests.world import CALLBACK, World

EMAIL = {"scope": "openid email", "claims": '{"id_token":{"email":null}}'}
"""What the response needs the directory and the hooks for."""


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client()
    await world.user()
    return Person(world)


# errors


async def test_the_client_hears_that_its_user_was_disabled_meanwhile(person: Person) -> None:
    asked = await person.log_in(await come(person, await pushed(person.world, **EMAIL)))
    await person.world.set_enabled("alice", enabled=False)
    told = await person.agree(asked)
    assert (told.location.startswith(CALLBACK), told.error, told.answer["state"]) == (True, "access_denied", "st")
