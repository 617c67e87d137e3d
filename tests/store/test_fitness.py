"""What is said of a Redis that may be used, but not without a warning."""

import pytest

from service.app import open_issuer
from tests import redis_shapes
from tests.world import settings_for


async def test_a_redis_that_may_evict_is_warned_about(
    redis: redis_shapes.Shape, caplog: pytest.LogCaptureFixture
) -> None:
    redis.nodes[0].admin.config_set("maxmemory-policy", "allkeys-lru")
    try:
        async with open_issuer(settings_for(redis.url)):
            pass
    finally:
        redis.nodes[0].admin.config_set("maxmemory-policy", "noeviction")
    assert "redis_may_evict" in [record.message for record in caplog.records]
