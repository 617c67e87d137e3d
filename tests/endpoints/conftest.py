"""A world in which anybody may register clients."""

from collections.abc import AsyncIterator

import pytest

from tests.person import Person
from tests.world import World


@pytest.fixture
async def open_world(world: World) -> AsyncIterator[World]:
    async with world.having(registration="open", scopes={"read": "Read"}) as other:
        yield other


CLAIMS = {
    **{"name": "Alice", "given_name": "Alice", "email": "alice@example.com", "email_verified": True},
    **{"address": {"locality": "Oxford"}, "phone_number": "+44 1", "phone_number_verified": False, "nickname": ""},
}


@pytest.fixture
async def person(world: World) -> Person:
    """Alice at her browser, and a client that may ask for everything."""
    await world.openid_client()
    await world.user(claims=CLAIMS)
    return Person(world)
