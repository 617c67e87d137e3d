"""When a key ends, as Redis 7 tells it and as older ones do."""

import time
from typing import Any

import pytest

from service.app import open_issuer
from service.dev.embedded_redis import EmbeddedRedis
from service.store.ends import read_with_end
from tests import redis_shapes
from tests.kept_redis import REDIS_6, needs_redis_6
from tests.world import World, settings_for


@pytest.mark.parametrize("has_expiretime", [True, False], ids=["Redis 7", "Redis 6.2"])
async def test_a_key_is_read_with_its_end(world: World, has_expiretime: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    connection, key, ends = world.issuer.store.connection, "mm:{x}:test", int(time.time()) + 100
    monkeypatch.setattr(connection, "has_expiretime", has_expiretime and connection.has_expiretime)
    assert await read_with_end(connection, key, "GET", key) == (None, None)
    await connection.execute(key, "SET", key, "kept", "EXAT", ends)
    assert await read_with_end(connection, key, "GET", key) == (b"kept", ends)
    await connection.execute(key, "PERSIST", key)
    assert await read_with_end(connection, key, "GET", key) == (b"kept", 0)


async def test_the_store_knows_what_its_server_has(world: World) -> None:
    [link, *_] = await world.issuer.store.connection.links()
    assert world.issuer.store.connection.has_expiretime == (link.version >= (7, 0))


@needs_redis_6
async def test_an_older_server_may_take_the_place_of_a_newer_one() -> None:
    """Scripts know what each server has; a process that began with a newer one has to learn it."""
    async with EmbeddedRedis(server=REDIS_6) as embedded, open_issuer(settings_for(embedded.url)) as issuer:
        connection, key = issuer.store.connection, "mm:{x}:test"
        connection.has_expiretime = True
        await connection.execute(key, "SET", key, "kept")
        assert await read_with_end(connection, key, "GET", key) == (b"kept", 0)
        assert not connection.has_expiretime


@pytest.mark.parametrize("has_expiretime", [True, False], ids=["Redis 7", "Redis 6.2"])
async def test_ends_are_read_where_replicas_are_waited_for(redis: redis_shapes.Shape, has_expiretime: bool) -> None:
    """TIME is a single word, and no script that replicas have to confirm."""
    async with open_issuer(settings_for(redis.url, redis_wait_replicas=1)) as issuer:
        store, key = issuer.store, "mm:{x}:test"
        store.connection.has_expiretime &= has_expiretime
        await store.connection.execute(key, "SET", key, "kept")
        assert await read_with_end(store.connection, key, "GET", key) == (b"kept", 0)
        assert await store.grants.live_refresh_tokens(["unknown"]) == [None]
        assert len(await store.connection.execute(key, "TIME")) == 2
        assert len(await store.connection.conclude(store.connection.begin(key, ("TIME",)))) == 2


async def test_a_refresh_token_that_ends_while_it_is_read_is_not_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end would else be unknown, which says that it never ends."""
    await world.user()
    tokens = await world.tokens(await world.client())
    assert await world.is_active(tokens["refresh_token"])

    async def read_late(*given: Any) -> tuple[Any, int | None]:
        reply, _ = await read_with_end(*given)
        return reply, None

    monkeypatch.setattr("service.store.spending.read_with_end", read_late)
    assert not await world.is_active(tokens["refresh_token"])
