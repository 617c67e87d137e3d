"""A collector, and worlds that trace."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from service.app import open_issuer
from tests.observe.collector import Collector, Open
from tests.redis_shapes import Shape
from tests.world import World, in_process, settings_for


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with Collector() as made:
        yield made


@pytest.fixture
def opened(redis: Shape, collector: Collector) -> Open:
    """Opens a world that traces everything unless the settings say something else."""

    @asynccontextmanager
    async def traced(**changes: Any) -> AsyncIterator[World]:
        settings = settings_for(redis.url, **({"otlp_endpoint": collector.url, "trace_sample": 1.0} | changes))
        async with open_issuer(settings, listen=False) as issuer, in_process(issuer) as http:
            yield World(issuer, http, redis)

    return traced
