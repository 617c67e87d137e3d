"""What hooks cost: no Redis round trip of a token request, none at all of a revocation that nobody wants to hear of."""

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientResponse, web

from service.hooks import NOTHING_ADDED
from service.store.store import open_store
from tests.cutting_proxy import CuttingProxy
from tests.hooks.receiver import Receiver, hooked
from tests.redis_shapes import Shape
from tests.world import settings_for


@pytest.mark.parametrize(("events", "trips"), [([], 1), (["claims", "refresh"], 1), (["revoked"], 3)])
async def test_round_trips_of_a_revocation(
    redis: Shape, proxy: CuttingProxy, receiver: Receiver, events: list[str], trips: int
) -> None:
    """P8: written down before and after, where a hook wants to hear of it."""
    hooks = {"crm": {"url": receiver.url, "events": events}} if events else {}
    async with hooked(redis, hooks, url=proxy.url) as world:
        receiver.answers |= {"refresh": {"allow": True}}
        tokens = await world.tokens(await world.client())
        before = proxy.round_trips
        assert (await world.revoke(tokens["refresh_token"])).status == 200
        assert proxy.round_trips - before == trips


async def test_round_trips_of_token_requests(redis: Shape, proxy: CuttingProxy, receiver: Receiver) -> None:
    """P8: hooks are asked between reading and swapping."""
    receiver.answers |= {"refresh": {"allow": True}, "claims": {"introspection": {"a": 1}}}
    hooks = {"crm": {"url": receiver.url, "events": ["claims", "refresh"]}}
    async with hooked(redis, hooks, url=proxy.url) as world:
        client = await world.client()
        code = await world.code(client)
        await world.issuer.store.clients.get("app")
        counts = []
        requests: list[Callable[[], Awaitable[ClientResponse]]] = [
            lambda: world.token(grant_type="client_credentials"),
            lambda: world.redeem(code),
        ]
        for request in requests:
            before = proxy.round_trips
            response = await request()
            assert response.status == 200
            counts.append(proxy.round_trips - before)
        refresh_token = (await response.json())["refresh_token"]
        before = proxy.round_trips
        assert (await world.refresh(refresh_token)).status == 200
        assert [*counts, proxy.round_trips - before] == [1, 2, 2]


async def test_records_without_hooks_are_as_they_were(redis: Shape) -> None:
    """Nothing is written for what no hook added."""
    async with hooked(redis, {}) as world:
        tokens = await world.tokens(await world.client())
        store = await open_store(settings_for(redis.url), listen=False)
        key = next(name for name in world.key_names(":access:"))
        kept = await store.connection.execute(key, "GET", key)
        await store.close()
        assert b'"p"' not in kept
        assert tokens["access_token"]
    assert not NOTHING_ADDED.access_token


async def test_a_redirect_is_not_followed(redis: Shape, receiver: Receiver) -> None:
    """What a hook answers must not make us call somewhere else, not even where it would be fine."""

    async def elsewhere(_: web.Request) -> web.StreamResponse:
        receiver.turn = None
        return web.Response(status=307, headers={"Location": receiver.url})

    receiver.answers["claims"], receiver.turn = {}, elsewhere
    async with hooked(redis, {"crm": {"url": receiver.url, "events": ["claims"]}}) as world:
        await world.client()
        assert (await world.token(grant_type="client_credentials")).status == 503
    assert len(receiver.heard) == 1
