"""Guessing passwords and secrets, and what the counting of it costs and forgets."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.app import open_issuer
from service.crypto.passwords import Hashing
from service.directory import BlockedError, RedisDirectory
from service.protocol.errors import TemporarilyUnavailable
from service.records.refresh_token import RefreshToken
from service.store.failures import Failures, Limit
from tests import redis_shapes
from tests.cutting_proxy import CuttingProxy
from tests.world import World, error_of, in_process, settings_for


@pytest.fixture
async def counted(redis: redis_shapes.Shape, proxy: CuttingProxy) -> AsyncIterator[tuple[World, CuttingProxy]]:
    """A service whose round trips are counted."""
    async with (
        open_issuer(settings_for(proxy.url), listen=False) as issuer,
        in_process(issuer) as http,
    ):
        yield World(issuer, http, redis), proxy


async def test_right_or_wrong_a_password_takes_two_round_trips(counted: tuple[World, CuttingProxy]) -> None:
    """P8, also after failures: nobody learns from the number of trips, and guessing costs Redis no more than knowing."""
    world, proxy = counted
    await world.client()
    await world.user()
    trips = []
    for password in ("wonderland", "wrong", "wonderland", "wonderland"):
        await world.issuer.store.clients.get("app")
        proxy.round_trips = 0
        await world.token(grant_type="password", username="alice", password=password)
        trips.append(proxy.round_trips)
    assert trips == [2, 2, 2, 2]
    assert [name for name in world.key_names("failures") if "alice" in name] == []


async def test_whoever_fills_the_memory_of_blocked_names_does_not_set_the_next_one_free(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.store.failures._REMEMBERED", 10)
    failures: Failures = world.issuer.store.failures
    for number in range(30):
        assert await failures.count(f"client:app@192.0.2.{number}", Limit(0, 60, 60, 60)) == 60
    assert failures.known_wait("client:app@192.0.2.29") > 0


async def test_a_refresh_token_without_a_refresh_left_is_not_unlimited(world: World) -> None:
    """Two that race for the last refresh of a kept token may leave it with 0; counting on from there never ended."""
    client = await world.client(refresh_rotation="never", refresh_limit=1)
    tokens = await world.tokens(client)
    for key in world.redis.nodes[0].admin.scan_iter("*:refresh:*"):
        world.redis.nodes[0].admin.set(key, RefreshToken(1, 0).encode(), keepttl=True)
    for rotation in ("never", "always"):
        await world.change(client, refresh_rotation=rotation)
        assert await error_of(await world.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


async def test_the_last_refresh_is_one_even_where_others_were_faster(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kept token read with two left, when another took one meanwhile: kept with 0, a third request could rotate it."""
    client = await world.client(refresh_rotation="never", refresh_limit=2, refresh_grace=0)
    tokens = await world.tokens(client)
    store, redis = world.issuer.store.tokens, world.redis.nodes[0].admin
    (place,) = redis.scan_iter("*:refresh:*")
    reuse = type(store).reuse

    async def after_another(*arguments: Any) -> Any:
        redis.set(place, RefreshToken(1, 1).encode(), keepttl=True)
        return await reuse(*arguments)

    monkeypatch.setattr(type(store), "reuse", after_another)
    refreshed = await world.refresh(tokens["refresh_token"])
    assert refreshed.status == 200
    assert "refresh_token" not in await refreshed.json()
    assert redis.get(place) == RefreshToken(1, 0).encode()
    assert await error_of(await world.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.parametrize("scope", ["read write admin", "admin", "read  admin", 'a"b', "*"])
async def test_no_refresh_widens_a_scope(world: World, scope: str) -> None:
    client = await world.client(scopes=("read", "write", "admin"))
    tokens = await world.tokens(client, scope="read write")
    assert await error_of(await world.refresh(tokens["refresh_token"], scope=scope)) == (400, "invalid_scope")
    assert (await world.refresh(tokens["refresh_token"], scope="read")).status == 200


NAMES = [
    "{}",
    "}{",
    "{a}",
    "a}:grants",
    "*",
    "mm:client:app",
    "a\r\nDEL mm:client:app",
    "\u2028",
    "') redis.call('FLUSHALL",
]


@pytest.mark.parametrize("name", NAMES)
async def test_names_reach_neither_another_slot_nor_redis_nor_lua(any_world: World, name: str) -> None:
    """A name is one quoted word of one key: its hash tag is its own, and scripts get it as an argument."""
    await any_world.client()
    await any_world.user(name, subject=name)
    form = {"grant_type": "password", "username": name, "password": "wonderland"}
    response = await any_world.token(**form)
    assert response.status == 200
    token = (await response.json())["access_token"]
    assert (await any_world.introspect(token))["sub"] == name
    assert await any_world.issuer.store.grants.revoke_user(name) == 1
    assert not await any_world.is_active(token)
    assert (await any_world.token(name, grant_type="client_credentials")).status == 401
    assert await any_world.issuer.store.clients.read("app")


async def test_guesses_that_arrive_together_are_no_more_than_guesses_one_by_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 at once from one place at two processes: each process tries one at a time, and sees what was counted."""
    await world.client()
    await world.user()
    settings = settings_for(world.redis.url, user_failures_allowed=5, failure_first_delay=60)
    tried = []
    verify = Hashing.verify

    async def counted(self: Hashing, password: str, hashed: str | None) -> bool:
        tried.append(password)
        return await verify(self, password, hashed)

    monkeypatch.setattr(Hashing, "verify", counted)
    directories = [RedisDirectory(world.issuer.store, Hashing(settings), settings) for _ in range(2)]
    guesses = (directories[number % 2].verify("alice", f"guess-{number}", "192.0.2.1") for number in range(300))
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert len(tried) <= 5 + 1 + 1, "the allowed ones, the one that is over, and the other process's at that moment"
    assert {type(outcome) for outcome in outcomes} == {type(None), BlockedError, TemporarilyUnavailable}
    assert all(not directory._limiter._turns for directory in directories), "nothing is remembered of it"
    assert await directories[0].verify("alice", "wonderland", "198.51.100.1"), "alice herself, elsewhere"


async def test_a_password_hashed_at_another_cost_is_hashed_anew(world: World) -> None:
    """Else whoever has an older hash answers faster than others."""
    await world.user()
    dearer = settings_for(world.redis.url, argon2_iterations=2)
    directory = RedisDirectory(world.issuer.store, Hashing(dearer), dearer)
    assert await directory.verify("alice", "wonderland", "192.0.2.1")
    user = await world.issuer.store.users.get("alice")
    assert user is not None
    assert "t=2," in user.password_hash
    assert await directory.verify("alice", "wonderland", "192.0.2.1")
