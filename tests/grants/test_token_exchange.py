"""Token exchange (RFC 8693): who gets what for a token, who acts, and what it ends with."""

import json
from typing import Any

import pytest

from service.protocol.names import AccessTokenFormat, GrantTypeName
from tests.exchanging import (
    ACCESS,
    EXCHANGE,
    ID,
    JWT,
    ORDERS,
    REFRESH,
    STOCK,
    acting,
    app,
    exchange,
    exchanged,
    orders,
)
from tests.world import World, error_of


@pytest.fixture
async def shop(world: World) -> World:
    """An application, and the service that it calls, which calls another one."""
    await app(world)
    await orders(world)
    await world.client("stock", introspect=True, resources=(STOCK,), grant_types=())
    return world


async def tokens(world: World, **code: Any) -> dict[str, Any]:
    """What alice's application has."""
    client = await world.issuer.store.clients.get("app")
    assert client
    return await world.tokens(client, audience=(ORDERS,), scope="openid read write", **code)


async def test_a_service_calls_another_one_for_its_user(shop: World) -> None:
    held = await tokens(shop)
    body = await exchanged(shop, "orders", held["access_token"], audience=STOCK, scope="read")
    assert body.keys() == {"access_token", "token_type", "expires_in", "issued_token_type", "scope"}
    assert (body["issued_token_type"], body["token_type"], body["scope"]) == (ACCESS, "Bearer", "read")
    said = await shop.introspect(body["access_token"], "stock")
    assert (said["sub"], said["client_id"], said["aud"], said["scope"]) == ("alice", "orders", [STOCK], "read")
    assert "act" not in said, "impersonation: client_id tells who asked"
    assert said["source_clients"] == ["app"], "with whose end it is over, which who remembers the answer has to know"
    assert "source_clients" not in await shop.introspect(held["access_token"]), "of exchanged tokens alone"
    assert said["auth_time"] == (await shop.introspect(held["access_token"]))["auth_time"]
    assert not await shop.is_active(body["access_token"]), "the application has nothing to do with it"


async def test_an_agent_acts_for_a_user_by_name(shop: World) -> None:
    """Delegation (RFC 8693 section 1.1), and once more behind it: nobody who acted is left out."""
    held = await tokens(shop)
    actor = await acting(shop, "orders")
    body = await exchanged(shop, "orders", held["access_token"], audience=STOCK, **actor)
    said = await shop.introspect(body["access_token"], "stock")
    assert (said["sub"], said["act"]) == ("alice", {"sub": "orders", "client_id": "orders"})
    await shop.client("stock", introspect=True, resources=(STOCK,), grant_types=("client_credentials", EXCHANGE))
    shop.issuer.store.clients.forget(["stock"])
    further = await exchanged(shop, "stock", body["access_token"], **await acting(shop, "stock"))
    chain = (await shop.introspect(further["access_token"], "stock"))["act"]
    assert chain == {"sub": "stock", "client_id": "stock", "act": {"sub": "orders", "client_id": "orders"}}
    assert (await shop.introspect(further["access_token"], "stock"))["source_clients"] == ["app", "orders"]
    kept = await exchanged(shop, "stock", further["access_token"])
    assert (await shop.introspect(kept["access_token"], "stock"))["act"] == chain, "without an actor it stays as it was"


async def test_jwt_access_tokens_carry_the_actor(shop: World) -> None:
    await shop.change(await orders(shop), access_token_format=AccessTokenFormat.JWT)
    held = await tokens(shop)
    body = await exchanged(shop, "orders", held["access_token"], audience=STOCK, **await acting(shop, "orders"))
    keyring = shop.issuer.keyring
    assert keyring
    claims = await keyring.verify(body["access_token"], typ="at+jwt")
    assert claims
    assert (claims["sub"], claims["aud"], claims["act"]["sub"]) == ("alice", STOCK, "orders")
    assert (await shop.introspect(body["access_token"], "stock"))["act"] == claims["act"]
    again = await exchanged(shop, "orders", body["access_token"], JWT)
    assert (await shop.introspect(again["access_token"], "stock"))["active"]


@pytest.mark.parametrize(
    ("requested", "issued", "token_type"),
    [(None, ACCESS, "Bearer"), (ACCESS, ACCESS, "Bearer"), (JWT, JWT, "Bearer"), (ID, ID, "N_A")],
)
async def test_types_that_can_be_had(shop: World, requested: str | None, issued: str, token_type: str) -> None:
    held = await tokens(shop)
    asked = {"requested_token_type": requested} if requested else {}
    for text, kind in ((held["access_token"], ACCESS), (held["refresh_token"], REFRESH), (held["id_token"], ID)):
        body = await exchanged(shop, "app", text, kind, **asked)
        assert (body["issued_token_type"], body["token_type"]) == (issued, token_type)
        assert "refresh_token" not in body
        assert (body["access_token"].count(".") == 2) == (requested in (JWT, ID))


async def test_an_id_token_is_for_the_client_and_exchanged_no_more(shop: World) -> None:
    held = await tokens(shop)
    body = await exchanged(shop, "app", held["access_token"], requested_token_type=ID, **await acting(shop, "app"))
    keyring = shop.issuer.keyring
    assert keyring
    claims = await keyring.verify(body["access_token"])
    assert claims
    assert (claims["aud"], claims["sub"], claims["act"]["sub"]) == ("app", "alice", "app")
    assert await error_of(await exchange(shop, "app", body["access_token"], ID)) == (400, "invalid_request")
    other = await exchange(shop, "app", held["access_token"], requested_token_type=ID, audience="orders")
    assert await error_of(other) == (400, "invalid_target")


async def test_without_asking_it_is_for_what_the_token_was(shop: World) -> None:
    held = await tokens(shop)
    body = await exchanged(shop, "app", held["access_token"])
    said = await shop.introspect(body["access_token"])
    assert (said["scope"], said["aud"]) == ("openid read write", [ORDERS])
    less = await exchanged(shop, "app", body["access_token"], scope="read")
    assert less["scope"] == "read"
    assert await error_of(await exchange(shop, "app", less["access_token"], scope="read write")) == (
        400,
        "invalid_scope",
    )


async def test_for_several_services_at_once(shop: World) -> None:
    """RFC 8693 section 2.1: audience may come more than once, and resource beside it."""
    held = await tokens(shop)
    pairs = [("grant_type", EXCHANGE), ("subject_token", held["access_token"]), ("subject_token_type", ACCESS)]
    two = [("audience", STOCK), ("audience", ORDERS), ("resource", STOCK)]
    body = await (await shop.form("/token", [*pairs, *two], "orders")).json()
    assert (await shop.introspect(body["access_token"], "stock"))["aud"] == [STOCK, ORDERS]


async def test_what_a_client_asks_for_at_userinfo(shop: World) -> None:
    """An exchanged token is one of its own client everywhere, and stands for its scope alone."""
    await shop.user()
    held = await tokens(shop)
    whole = await exchanged(shop, "app", held["access_token"], scope="openid")
    less = await exchanged(shop, "app", held["access_token"], scope="read")
    answers = [
        await shop.http.get("/userinfo", headers={"Authorization": f"Bearer {token['access_token']}"})
        for token in (whole, less)
    ]
    assert [answer.status for answer in answers] == [200, 403]
    assert (await answers[0].json())["sub"] == "alice"


async def test_a_client_has_no_scope_that_it_may_not_have(shop: World) -> None:
    held = await tokens(shop)
    body = await exchanged(shop, "orders", held["access_token"], audience=STOCK)
    assert body["scope"] == "read write", "openid is not among its scopes"
    response = await exchange(shop, "orders", held["access_token"], audience=STOCK, scope="openid")
    assert await error_of(response) == (400, "invalid_scope")


async def test_it_has_those_details_that_its_client_may_have(shop: World) -> None:
    """And goes without the others, as it does without scopes; those of a type that it has not are not for asking, either."""
    payment, account = {"type": "payment", "amount": 1}, {"type": "account"}
    details = {"authorization_details": [payment, account]}
    async with shop.having(authorization_details_types={"payment": {}, "account": {}}) as world:
        await world.change(await app(world), authorization_details_types=("payment", "account"))
        await orders(world, authorization_details_types=("payment",))
        held = (await tokens(world, members=details))["access_token"]
        for asked in ({}, {"authorization_details": json.dumps([payment])}):
            body = await exchanged(world, "orders", held, audience=STOCK, **asked)
            assert body["authorization_details"] == [payment]
            assert (await world.introspect(body["access_token"], "stock"))["authorization_details"] == [payment]
        refused = await exchange(world, "orders", held, authorization_details=json.dumps([account]))
        assert await error_of(refused) == (400, "invalid_authorization_details")


async def test_a_client_narrows_a_token_of_its_own(shop: World) -> None:
    """The subject may be a client: there is no grant but in its token. No other client can be taken for it."""
    own = await (await shop.token(grant_type="client_credentials", scope="read write")).json()
    body = await exchanged(shop, "app", own["access_token"], scope="read")
    said = await shop.introspect(body["access_token"], "orders")
    assert (said["sub"], said["client_id"], said["scope"]) == ("app", "app", "read")
    refused = await exchange(shop, "orders", own["access_token"], audience=STOCK)
    assert await error_of(refused) == (400, "invalid_request")
    assert (await shop.revoke(own["access_token"])).status == 200
    assert not await shop.is_active(body["access_token"])


async def test_grant_of_it_is_named_after_the_grant_type(shop: World) -> None:
    held = await tokens(shop)
    await exchanged(shop, "orders", held["access_token"], audience=STOCK)
    page = await shop.issuer.store.grants.list_of_client("orders")
    assert [listed.grant.grant_type for listed in page.grants] == [GrantTypeName.TOKEN_EXCHANGE]
