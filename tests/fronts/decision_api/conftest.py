"""A backend for every test here."""

from collections.abc import AsyncIterator

import pytest

from tests.deciding import Backend, backend
from tests.world import World


@pytest.fixture
async def caller(world: World) -> AsyncIterator[Backend]:
    """A backend with two API keys on one Redis server."""
    async with backend(world) as made:
        yield made
