"""A world in which anybody may register clients."""

from collections.abc import AsyncIterator

import pytest

from tests.world import World


@pytest.fixture
async def open_world(world: World) -> AsyncIterator[World]:
    async with world.having(registration="open", scopes={"read": "Read"}) as other:
        yield other
