"""Races, run as races: through two server processes, on standalone, Sentinel and Cluster (P1, P2, P6)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from aiohttp import ClientSession, TCPConnector

from tests import redis_shapes
from tests.server_process import ServerProcess
from tests.world import CALLBACK, FORM, World, basic

pytestmark = pytest.mark.slow

AT_ONCE = 200


class TwoServers:
    """Two processes on one Redis, asked in turns over real connections."""

    def __init__(self, world: World, urls: list[str], session: ClientSession) -> None:
        self.world = world
        self._urls = urls
        self._session = session

    async def post(self, path: str, form: dict[str, str], turn: int) -> tuple[int, bytes]:
        headers = {"Content-Type": FORM, **basic("app")}
        url = self._urls[turn % 2] + path
        async with self._session.post(url, data=urlencode(form), headers=headers) as response:
            return response.status, await response.read()

    async def at_once(self, path: str, form: dict[str, str], count: int = AT_ONCE) -> list[tuple[int, bytes]]:
        """The same request many times at once."""
        return await asyncio.gather(*(self.post(path, form, turn) for turn in range(count)))


@pytest.fixture
async def servers(any_world: World, tmp_path: Path) -> AsyncIterator[TwoServers]:
    url = any_world.redis.url
    async with (
        ServerProcess(tmp_path, redis_url=url) as one,
        ServerProcess(tmp_path, redis_url=url) as other,
        ClientSession(connector=TCPConnector(limit=AT_ONCE)) as session,
    ):
        yield TwoServers(any_world, [one.url, other.url], session)


async def test_200_concurrent_redemptions_of_one_code_buy_tokens_once(servers: TwoServers) -> None:
    """P1, IA-42, IA-44: exactly one 200; the others end the grant (RFC 6749 4.1.2)."""
    world = servers.world
    client = await world.client()
    for _ in range(3):
        form = {"grant_type": "authorization_code", "code": await world.code(client), "redirect_uri": CALLBACK}
        answers = await servers.at_once("/token", form)
        assert Counter(status for status, _ in answers) == {200: 1, 400: AT_ONCE - 1}
        assert all(b'"invalid_grant"' in body for status, body in answers if status == 400)
        bought = next(_json(body) for status, body in answers if status == 200)
        assert not await world.is_active(bought["access_token"])
        assert (await world.refresh(bought["refresh_token"])).status == 400


async def test_200_concurrent_refreshes_of_one_token_give_one_successor(servers: TwoServers) -> None:
    """P2: all answers inside the grace window are the same, byte for byte."""
    world = servers.world
    client = await world.client()
    for _ in range(3):
        tokens = await world.tokens(client)
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        answers = await servers.at_once("/token", form)
        assert {status for status, _ in answers} == {200}
        assert len({body for _, body in answers}) == 1
        successor = _json(answers[0][1])
        assert await world.is_active(successor["access_token"])
        assert (await world.refresh(successor["refresh_token"])).status == 200
        assert _living_refresh_tokens(world) == 1
        world.redis.flush()
        await world.client()


async def test_refreshes_at_once_for_two_resources_have_one_successor(servers: TwoServers) -> None:
    """P2, RFC 8707 2.2: each answer is for what was asked, and the family stays one."""
    world, resources = servers.world, ("https://a.example", "https://b.example")
    client = await world.client(audiences=resources)
    for _ in range(3):
        tokens = await world.tokens(client, audience=resources)
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        asked = [resources[turn // 2 % 2] for turn in range(100)]
        answers = await asyncio.gather(
            *(servers.post("/token", form | {"resource": one}, turn) for turn, one in enumerate(asked))
        )
        assert {status for status, _ in answers} == {200}
        assert len({_json(body)["refresh_token"] for _, body in answers}) == 1
        for resource, token in {
            (one, _json(body)["access_token"]) for one, (_, body) in zip(asked, answers, strict=True)
        }:
            told = await world.introspect(token)
            assert (told["active"], told.get("aud")) == (True, [resource])
        assert (await world.refresh(_json(answers[0][1])["refresh_token"])).status == 200


async def test_without_a_grace_window_concurrent_refreshes_end_the_family(servers: TwoServers) -> None:
    world = servers.world
    client = await world.client(refresh_grace=0)
    tokens = await world.tokens(client)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answers = await servers.at_once("/token", form)
    assert Counter(status for status, _ in answers) == {200: 1, 400: AT_ONCE - 1}
    successor = next(_json(body) for status, body in answers if status == 200)
    assert not await world.is_active(successor["access_token"])
    assert _living_refresh_tokens(world) == 0


async def test_a_refresh_limit_counts_exactly_under_concurrency(servers: TwoServers) -> None:
    """WM-20: a kept refresh token with 50 refreshes gives 50 access tokens to 60 that ask at once."""
    world = servers.world
    client = await world.client(refresh_rotation="never", refresh_limit=50, refresh_grace=0)
    tokens = await world.tokens(client)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    given = 0
    for _ in range(20):
        answers = await servers.at_once("/token", form, 20)
        given += sum(status == 200 for status, _ in answers)
        if any(status == 400 for status, _ in answers):
            break
    assert given == 50


@pytest.mark.parametrize("how", ["revoke_user", "disable_user", "revoke_client", "revoke_token"])
async def test_a_refresh_that_overlaps_a_revocation_mints_nothing_that_survives_it(
    servers: TwoServers, how: str
) -> None:
    """P6, IA-40: whichever of the two is first, no token is alive afterwards."""
    world = servers.world
    for round_number in range(200 if how == "revoke_user" else 125):
        client = await world.client() if await world.issuer.store.clients.read("app") is None else await _client(world)
        tokens = await world.tokens(client)
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        answers, _ = await asyncio.gather(
            asyncio.gather(*(servers.post("/token", form, turn) for turn in range(4))),
            _revoke(world, how, tokens, delay=(round_number % 10) * 0.0003),
        )
        minted = [_json(body)["access_token"] for status, body in answers if status == 200]
        minted += [_json(body)["refresh_token"] for status, body in answers if status == 200]
        for token in [*minted, tokens["access_token"], tokens["refresh_token"]]:
            if how == "revoke_client":  # the servers hear of it over publish/subscribe
                await _soon(servers, token)
            else:
                assert not await world.is_active(token)
        if how == "disable_user":
            await _enable(world)


async def test_a_password_grant_that_overlaps_disabling_the_user_mints_nothing_that_survives_it(
    servers: TwoServers,
) -> None:
    world = servers.world
    await world.client()
    await world.user()
    form = {"grant_type": "password", "username": "alice", "password": "wonderland"}
    for round_number in range(40):
        answers, _ = await asyncio.gather(
            asyncio.gather(*(servers.post("/token", form, turn) for turn in range(4))),
            _revoke(world, "disable_user", {}, delay=(round_number % 10) * 0.001),
        )
        for status, body in answers:
            assert status in (200, 400, 429), body
            if status == 200:
                assert not await world.is_active(_json(body)["access_token"])
        assert (await world.issuer.store.grants.list_of_user("alice")).grants == []
        await _enable(world)
        await world.issuer.store.failures.forget("user:alice")


async def test_revoke_user_counts_exactly_when_many_revoke_at_once(any_world: World) -> None:
    """IA-40: each grant is counted by exactly one of them."""
    client = await any_world.client()
    for _ in range(60):
        await any_world.code(client)
    counts = await asyncio.gather(*(any_world.issuer.store.grants.revoke_user("alice") for _ in range(8)))
    assert sum(counts) == 60


def _json(body: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = orjson.loads(body)
    return parsed


def _living_refresh_tokens(world: World) -> int:
    """Refresh tokens that are unused and whose grant lives."""
    dump = world.redis.dump()
    alive = {key for key, entry in dump.items() if key.endswith(b"}") and entry.type == "string" and entry.value}
    unused = [key for key, entry in dump.items() if b":refresh:" in key and entry.value.startswith(b"{")]
    return sum(key.partition(b":refresh:")[0] in alive for key in unused)


async def _client(world: World) -> Any:
    return await world.issuer.store.clients.read("app")


async def _revoke(world: World, how: str, tokens: dict[str, Any], delay: float) -> None:
    await asyncio.sleep(delay)
    store = world.issuer.store
    if how == "revoke_user":
        assert await store.grants.revoke_user("alice") == 1
    elif how == "disable_user":
        await world.set_enabled("alice", enabled=False)
    elif how == "revoke_client":
        client = await _client(world)
        await world.change(client, generation=client.generation + 1)
    else:
        assert (await world.revoke(tokens["refresh_token"])).status == 200


async def _enable(world: World) -> None:
    await world.set_enabled("alice", enabled=True)


async def _soon(servers: TwoServers, token: str) -> None:
    """Inactive as soon as the news has travelled: milliseconds, and never longer than a second."""
    for turn in range(100):
        if await servers.post("/introspect", {"token": token}, turn) == (200, b'{"active":false}'):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("still active a second after the client's grants were ended")


def test_the_shapes_are_what_they_say(any_redis: redis_shapes.Shape) -> None:
    assert len(any_redis.primaries()) == (3 if "cluster" in any_redis.url else 1)
