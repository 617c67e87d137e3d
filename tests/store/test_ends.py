"""When a key ends, as Redis 7 tells it and as older ones do."""

import time

import pytest

from service.store.ends import read_with_end
from tests.world import World


@pytest.mark.parametrize("has_expiretime", [True, False], ids=["Redis 7", "Redis 6.2"])
async def test_a_key_is_read_with_its_end(world: World, has_expiretime: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    connection, key, ends = world.issuer.store.connection, "mm:{x}:test", int(time.time()) + 100
    monkeypatch.setattr(connection, "has_expiretime", has_expiretime)
    assert await read_with_end(connection, key, "GET", key) == (None, None)
    await connection.execute(key, "SET", key, "kept", "EXAT", ends)
    assert await read_with_end(connection, key, "GET", key) == (b"kept", ends)
    await connection.execute(key, "PERSIST", key)
    assert await read_with_end(connection, key, "GET", key) == (b"kept", 0)


async def test_the_store_knows_what_its_server_has(world: World) -> None:
    [link, *_] = await world.issuer.store.connection.links()
    assert world.issuer.store.connection.has_expiretime == (link.version >= (7, 0))
