"""An exchanged token ends with what it came from, whichever of it ends first (RFC 8693)."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from service.admin import client_ending, inspection
from service.admin.errors import NotAllowed
from service.admin.inspection.finding import Why
from service.admin.token_changes import TokenChanges, update_token
from service.admin.tokens import end_token
from service.app import open_issuer
from service.records.client import Client
from tests.dpop import Prover
from tests.exchanging import ACCESS, EXCHANGE, ID, JWT, ORDERS, REFRESH, STOCK, acting, app, exchange, exchanged, orders
from tests.redis_shapes import Shape
from tests.world import World, basic, error_of, in_process, settings_for


async def shop(world: World) -> dict[str, Any]:
    """Three services in a row, and what alice's application has."""
    await world.user()
    client = await app(world)
    await orders(world)
    await world.client("stock", introspect=True, resources=(STOCK,), grant_types=("client_credentials", EXCHANGE))
    return await world.tokens(client, audience=(ORDERS,), scope="openid read write", session="s" * 22)


async def further(world: World, held: dict[str, Any]) -> tuple[str, str]:
    """What the second service has, and the third, for which an agent acts."""
    second = await exchanged(world, "orders", held["access_token"], audience=STOCK)
    third = await exchanged(world, "stock", second["access_token"], **await acting(world, "stock"))
    return second["access_token"], third["access_token"]


async def _change(world: World, client_id: str, change: Callable[[Client], Client]) -> None:
    seen = await world.issuer.store.clients.read(client_id)
    assert seen
    await world.issuer.store.clients.save(change(seen), seen)
    world.issuer.store.clients.forget([client_id])


def _ended(client_id: str) -> Callable[[World, dict[str, Any], str], Awaitable[object]]:
    return lambda world, _, __: _change(world, client_id, lambda client: client.ended(2**41))


def _disabled(client_id: str) -> Callable[[World, dict[str, Any], str], Awaitable[object]]:
    return lambda world, _, __: _change(world, client_id, lambda client: msgspec.structs.replace(client, enabled=False))


ENDS: dict[str, Callable[[World, dict[str, Any], str], Awaitable[object]]] = {
    "the first token is revoked": lambda world, held, _: world.revoke(held["access_token"]),
    "the second token is revoked": lambda world, _, second: world.revoke(second, "orders"),
    "the refresh token is revoked": lambda world, held, _: world.revoke(held["refresh_token"]),
    "the grant is ended": lambda world, held, _: world.issuer.store.grants.revoke(held["access_token"][6:28], "alice"),
    "the user is disabled": lambda world, _, __: world.set_enabled("alice", enabled=False),
    "the session is ended": lambda world, _, __: world.issuer.store.grants.revoke_of_session("alice", "s" * 22),
    "everything of the first client is ended": _ended("app"),
    "everything of the second client is ended": _ended("orders"),
    "the first client is disabled": _disabled("app"),
    "the second client is disabled": _disabled("orders"),
    "the second client is deleted": lambda world, _, __: client_ending.delete_client(world.issuer, "orders"),
}


@pytest.mark.parametrize("ends", ENDS.values(), ids=list(ENDS))
async def test_it_ends_with_what_it_came_from(
    world: World, ends: Callable[[World, dict[str, Any], str], Awaitable[object]]
) -> None:
    held = await shop(world)
    second, third = await further(world, held)
    assert await world.is_active(third, "stock")
    assert (await exchange(world, "stock", third)).status == 200
    await ends(world, held, second)
    assert not await world.is_active(third, "stock")
    assert await error_of(await exchange(world, "stock", third)) == (400, "invalid_request")


async def test_operators_see_why_it_is_dead(world: World) -> None:
    held = await shop(world)
    _, third = await further(world, held)
    assert (await inspection.inspect(world.issuer, third)).why == ()
    await _change(world, "app", lambda client: msgspec.structs.replace(client, enabled=False))
    assert (await inspection.inspect(world.issuer, third)).why == (Why.SOURCE_ENDED,)


async def test_it_cannot_be_changed_into_the_token_that_it_came_from(world: World) -> None:
    """By an operator's program: its own grant is not the one that it lies under."""
    held = await shop(world)
    second, _ = await further(world, held)
    with pytest.raises(NotAllowed):
        await update_token(world.issuer, second, TokenChanges.read({"scopes": ["read", "write"]}))
    assert (await world.introspect(second, "orders"))["client_id"] == "orders"
    assert await end_token(world.issuer, second)
    assert not await world.is_active(second, "orders")
    assert await world.is_active(held["access_token"])


async def test_another_sector_knows_the_user_by_another_name(redis: Shape) -> None:
    """OpenID Connect Core 8: exchanges tell no client what another one calls the user."""
    async with open_issuer(settings_for(redis.url, pairwise_salt="s" * 32)) as issuer, in_process(issuer) as http:
        made = World(issuer, http, redis)
        held = await shop(made)
        client = await made.issuer.store.clients.read("orders")
        assert client
        await made.change(client, subject_type="pairwise")
        made.issuer.store.clients.forget(["orders"])
        body = await exchanged(made, "orders", held["access_token"], audience=STOCK)
        said = await made.introspect(body["access_token"], "stock")
        assert said["sub"] not in ("alice", "")
        assert "username" not in said


async def test_revoking_it_ends_nothing_else(world: World) -> None:
    """Also where the revocation of an access token ends its grant: that one is another client's."""
    held = await shop(world)
    second, third = await further(world, held)
    async with world.having(revoke_access_token_ends_grant=True) as other:
        assert (await other.revoke(third)).status == 200
        assert await other.is_active(third, "stock"), "not the client's that it was issued to"
        assert (await other.revoke(third, "stock")).status == 200
    assert not await world.is_active(third, "stock")
    assert await world.is_active(second, "stock")
    assert await world.is_active(held["access_token"])


async def test_it_lives_no_longer(world: World) -> None:
    held = await shop(world)
    (ends_at,) = world.ends(":access:").values()
    client = await world.issuer.store.clients.get("orders")
    assert client
    await world.change(client, access_token_lifetime=10**6)
    world.issuer.store.clients.forget(["orders"])
    body = await exchanged(world, "orders", held["access_token"], audience=STOCK)
    assert body["expires_in"] <= 3600
    assert set(world.ends(":access:").values()) == {ends_at}
    said = await world.introspect(body["access_token"], "stock")
    assert said["exp"] == ends_at
    for token, kind in ((held["refresh_token"], REFRESH), (held["id_token"], ID)):
        asked = await exchanged(world, "app", token, kind, requested_token_type=JWT)
        assert asked["expires_in"] <= 3600
    assert -1 not in world.ends(":access:").values()


async def test_a_grant_that_is_narrowed_narrows_it(world: World) -> None:
    """By the client itself, with a refresh that an operator's change of the grant follows."""
    held = await shop(world)
    body = await exchanged(world, "orders", held["access_token"], audience=STOCK)
    (key,) = (name for name in world.key_names("") if name.endswith("}") and "user" not in name and "mm:{" in name)
    for node in world.redis.primaries():
        record: Any = node.admin.get(key)
        if record:
            node.admin.set(key, record.replace(b'"s":"openid read write"', b'"s":"read"'), keepttl=True)
    assert (await world.introspect(body["access_token"], "stock"))["scope"] == "read"


async def test_a_bound_token_is_exchanged_by_who_holds_the_key(world: World) -> None:
    """P9: and what comes of it is bound to the same key."""
    await shop(world)
    prover = Prover()
    client = await world.issuer.store.clients.get("app")
    assert client
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": "https://app.example/callback",
        "code": await world.code(client, audience=(ORDERS,)),
    }
    bound = await world.http.post("/token", data=form, headers=basic("app") | prover.headers())
    token = (await bound.json())["access_token"]
    asked = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS}
    for headers in ({}, Prover().headers()):
        stolen = await world.http.post("/token", data=asked, headers=basic("app") | headers)
        assert await error_of(stolen) == (400, "invalid_request")
    response = await world.http.post("/token", data=asked, headers=basic("app") | prover.headers())
    body = await response.json()
    assert body["token_type"] == "DPoP"
    assert (await world.introspect(body["access_token"]))["cnf"] == {"jkt": prover.jkt}
    again = await world.http.post("/token", data=asked, headers=basic("app") | (proof := prover.headers()))
    assert again.status == 200
    repeated = await world.http.post("/token", data=asked, headers=basic("app") | proof)
    assert await error_of(repeated) == (400, "invalid_dpop_proof")


async def test_an_unbound_token_becomes_one_of_the_key_that_the_request_proves(world: World) -> None:
    held, prover = await shop(world), Prover()
    asked = {"grant_type": EXCHANGE, "subject_token": held["access_token"], "subject_token_type": ACCESS}
    response = await world.http.post(
        "/token", data=asked | {"audience": STOCK}, headers=basic("orders") | prover.headers()
    )
    body = await response.json()
    assert body["token_type"] == "DPoP"
    assert (await world.introspect(body["access_token"], "stock"))["cnf"] == {"jkt": prover.jkt}
