"""A refresh changes its user's index only now and then, and what is ended by the index is right all the same."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from service.app import open_issuer
from tests.redis_shapes import Shape
from tests.world import World, in_process, settings_for

DAY = 86400
IDLE = 30 * DAY


@asynccontextmanager
async def at(shape: Shape, seconds: float, **settings: Any) -> AsyncIterator[World]:
    """The service, whose clock is ahead by so many seconds."""
    chosen = settings_for(shape.url, refresh_idle_lifetime=IDLE, refresh_absolute_lifetime=0, **settings)
    async with open_issuer(chosen) as usual:
        issuer = replace(usual, clock=lambda: time.time() + seconds)
        async with in_process(issuer) as http:
            yield World(issuer, http, shape)


async def _refreshed(shape: Shape, token: str, seconds: float, **settings: Any) -> str:
    """Refresh so many seconds from now, and return the successor."""
    async with at(shape, seconds, **settings) as world:
        response = await world.refresh(token)
        assert response.status == 200
        return str((await response.json())["refresh_token"])


def _index(shape: Shape) -> dict[str, float]:
    found: Any = shape.nodes[0].admin.zrange("mm:{user:alice}:grants", 0, -1, withscores=True)
    return {member.decode(): score for member, score in found}


async def test_the_index_is_changed_once_a_thirtieth_of_the_life_of_a_grant_is_over(redis: Shape) -> None:
    async with at(redis, 0) as world:
        tokens = await world.tokens(await world.client())
    [(grant_id, place)] = _index(redis).items()
    now = time.time()
    assert now + IDLE + DAY - 60 < place < now + IDLE + DAY + 2
    token = await _refreshed(redis, tokens["refresh_token"], DAY - 120)
    assert _index(redis) == {grant_id: place}
    ends = redis.nodes[0].admin.expiretime(f"mm:{{{grant_id}}}")
    assert now + IDLE + DAY - 180 < ends < place
    await _refreshed(redis, token, DAY + 120)
    assert _index(redis)[grant_id] > place + DAY
    async with at(redis, 0) as world:
        (listed,) = (await world.issuer.store.grants.list_of_user("alice")).grants
        assert listed.ends_at == redis.nodes[0].admin.expiretime(f"mm:{{{grant_id}}}")
        assert await world.issuer.store.grants.revoke_user("alice") == 1


@pytest.mark.parametrize("rotation", ["always", "never"])
async def test_a_disabled_user_refreshes_nothing_though_the_grant_was_not_ended(redis: Shape, rotation: str) -> None:
    """As where the process that disabled the user was killed before it ended the grants."""
    async with at(redis, 0) as world:
        tokens = await world.tokens(await world.client(refresh_rotation=rotation))
        redis.nodes[0].admin.set("mm:{user:alice}:disabled", "1")
        refused = await world.refresh(tokens["refresh_token"])
        assert (refused.status, (await refused.json())["error"]) == (400, "invalid_grant")
        assert not await world.is_active(tokens["access_token"])


async def test_the_one_that_was_not_used_for_longest_is_ended_though_its_place_is_older(redis: Shape) -> None:
    most = {"grants_per_user_and_client": 3}
    async with at(redis, 0, **most) as world:
        client = await world.client()
        first = await world.tokens(client)
    others = []
    for seconds in (10, 20):
        async with at(redis, seconds, **most) as world:
            others.append(await world.tokens(client))
    await _refreshed(redis, first["refresh_token"], 30, **most)
    async with at(redis, 40, **most) as world:
        await world.tokens(client)
        alive = [await world.is_active(tokens["access_token"]) for tokens in (first, *others)]
    assert alive == [True, False, True]
