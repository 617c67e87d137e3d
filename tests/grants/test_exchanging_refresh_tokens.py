"""A refresh token that is exchanged: only where it could be refreshed, and one that was used ends its family (P2)."""

from typing import Any

import pytest

from tests.exchanging import EXCHANGE, ORDERS, REFRESH, app, exchange, exchanged
from tests.world import ALL_GRANT_TYPES, World, error_of

NO_MORE: dict[str, dict[str, Any]] = {
    "the grant type was withdrawn": {"grant_types": ("authorization_code", EXCHANGE)},
    "no refreshes": {"refresh_limit": 0},
    "the grant is too old": {"refresh_absolute_lifetime": -1},
}
"""-1: a limit that every grant is beyond, without waiting."""


async def rotated(world: World, held: dict[str, Any]) -> dict[str, Any]:
    response = await world.token(grant_type="refresh_token", refresh_token=held["refresh_token"])
    body: dict[str, Any] = await response.json()
    assert response.status == 200, body
    return body


@pytest.mark.parametrize("changes", NO_MORE.values(), ids=list(NO_MORE))
async def test_what_cannot_be_refreshed_is_not_exchanged(world: World, changes: dict[str, Any]) -> None:
    client = await app(world)
    held = await world.tokens(client, audience=(ORDERS,), scope="read")
    await exchanged(world, "app", held["refresh_token"], REFRESH)
    await world.change(client, **changes)
    world.issuer.store.clients.forget(["app"])
    refused = await exchange(world, "app", held["refresh_token"], REFRESH)
    assert await error_of(refused) == (400, "invalid_request")


async def test_the_last_refresh_is_not_left_for_exchanges(world: World) -> None:
    client = await app(world, refresh_limit=1, refresh_rotation="never")
    held = await world.tokens(client, audience=(ORDERS,), scope="read")
    await exchanged(world, "app", held["refresh_token"], REFRESH)
    await rotated(world, held)
    refused = await exchange(world, "app", held["refresh_token"], REFRESH)
    assert await error_of(refused) == (400, "invalid_request")


async def test_a_used_one_ends_its_grant(world: World) -> None:
    """Who has it stole it, or lost count; another client that brings it ends nothing."""
    client = await app(world, refresh_grace=0, refresh_rotation="always")
    await world.client("other", grant_types=(*ALL_GRANT_TYPES, EXCHANGE), exchange_from=("*",))
    held = await world.tokens(client, audience=(ORDERS,), scope="read")
    later = await rotated(world, held)
    for client_id, lives in (("other", True), ("app", False)):
        refused = await exchange(world, client_id, held["refresh_token"], REFRESH)
        assert await error_of(refused) == (400, "invalid_request")
        assert await world.is_active(later["access_token"]) is lives


async def test_within_the_grace_a_used_one_ends_nothing(world: World) -> None:
    held = await world.tokens(await app(world, refresh_grace=60, refresh_rotation="always"), scope="read")
    later = await rotated(world, held)
    refused = await exchange(world, "app", held["refresh_token"], REFRESH)
    assert await error_of(refused) == (400, "invalid_request")
    assert await world.is_active(later["access_token"])
