"""Exchanges raced with the end of what they come from, on standalone, Sentinel and Cluster: nothing outlives it (P6)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from tests.exchanging import ACCESS, ORDERS, REFRESH, STOCK, app, exchange, exchanged, orders
from tests.world import World

ROUNDS, AT_ONCE = 25, 12


async def _tokens(world: World) -> dict[str, Any]:
    client = await world.issuer.store.clients.get("app")
    assert client
    return await world.tokens(client, audience=(ORDERS,))


ENDS: dict[str, tuple[str, str, str, Callable[[World, dict[str, Any]], Awaitable[object]]]] = {
    "token": ("orders", "access_token", ACCESS, lambda world, held: world.revoke(held["access_token"])),
    "grant": ("app", "refresh_token", REFRESH, lambda world, held: world.revoke(held["refresh_token"])),
    "user": ("orders", "access_token", ACCESS, lambda world, _: world.issuer.store.grants.revoke_user("alice")),
}


async def _after(asked: Sequence[asyncio.Future[Any]], end: Awaitable[object]) -> None:
    """End it once these are answered, whatever else is under way: no clock decides who is first."""
    await asyncio.gather(*asked)
    await end


@pytest.mark.parametrize(("client_id", "what", "kind", "end"), ENDS.values(), ids=list(ENDS))
async def test_nothing_outlives_what_it_came_from(
    any_world: World,
    client_id: str,
    what: str,
    kind: str,
    end: Callable[[World, dict[str, Any]], Awaitable[object]],
) -> None:
    await app(any_world)
    await orders(any_world)
    await any_world.client("stock", introspect=True, resources=(STOCK,), grant_types=())
    target = {"audience": STOCK} if client_id == "orders" else {}
    answers: set[int] = set()
    for turn in range(ROUNDS):
        held = await _tokens(any_world)
        asked = [
            asyncio.ensure_future(exchange(any_world, client_id, held[what], kind, **target)) for _ in range(AT_ONCE)
        ]
        ending = asyncio.ensure_future(_after(asked[: turn % 4], end(any_world, held)))
        responses = await asyncio.gather(*asked)
        await ending
        answers |= {response.status for response in responses}
        bodies = [await response.json() for response in responses]
        bought = [body["access_token"] for body in bodies if "access_token" in body]
        reader = "stock" if client_id == "orders" else "app"
        alive = await asyncio.gather(*(any_world.is_active(token, reader) for token in bought))
        assert not any(alive), f"{sum(alive)} of {len(alive)} live on"
    assert answers == {200, 400}, "both have happened, and nothing else"


async def test_many_exchanges_at_once_all_succeed(any_world: World) -> None:
    """A token is not spent by being exchanged, and each exchange brings another one."""
    await app(any_world)
    await orders(any_world)
    held = await _tokens(any_world)
    bodies = await asyncio.gather(
        *(exchanged(any_world, "orders", held["access_token"], audience=STOCK) for _ in range(100))
    )
    assert len({body["access_token"] for body in bodies}) == 100
