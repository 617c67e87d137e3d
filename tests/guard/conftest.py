"""Tokens for an API, and guards of it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from mintmark_guard import Guard
from service.app import open_issuer
from tests.guard.guarding import API
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import SECRET, World, in_process, settings_for


@pytest.fixture
async def served(redis: Shape) -> AsyncIterator[World]:
    """One whose issuer is where it listens, with a resource server."""
    port = free_port()
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}")
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.client("api", introspect=True, resources=(API,))
        yield world


@pytest.fixture
async def guards(served: World) -> AsyncIterator[Callable[..., Guard]]:
    made: list[Guard] = []

    def make(kind: str = "introspection", audience: str = API, **options: Any) -> Guard:
        if kind == "introspection":
            options |= {"client_id": "api", "client_secret": SECRET}
        guard = Guard(served.issuer.url, audience, **options)
        made.append(guard)
        return guard

    yield make
    for guard in made:
        await guard.close()
