"""The event exchange: a hook may say no to a token exchange, whatever policy and tokens allow (RFC 8693 section 2.2.2)."""

from collections.abc import AsyncIterator

import pytest

from service.admin import trusts
from service.admin.trusts import TrustInput
from tests.assertions import JWKS, Signer
from tests.exchanging import ACCESS, JWT, ORDERS, REFRESH, STOCK, acting, app, exchange, exchanged, orders
from tests.hooks.receiver import Receiver, hooked
from tests.redis_shapes import Shape
from tests.world import World


@pytest.fixture
async def world(redis: Shape, receiver: Receiver) -> AsyncIterator[World]:
    receiver.answers["exchange"] = {"allow": True}
    async with hooked(redis, {"policy": {"url": receiver.url, "events": ["exchange"]}}) as made:
        await made.user()
        await orders(made)
        yield made


async def test_a_hook_has_the_last_word(world: World, receiver: Receiver) -> None:
    held = await world.tokens(await app(world), audience=(ORDERS,), scope="openid read")
    actor = await acting(world, "orders")
    before = world.key_names(":access:")
    receiver.answers["exchange"] = {"allow": False, "message": "Not on Sundays."}
    refused = await exchange(world, "orders", held["access_token"], audience=STOCK, **actor)
    assert refused.status == 400
    assert await refused.json() == {"error": "invalid_request", "error_description": "Not on Sundays."}
    assert world.key_names(":access:") == before
    receiver.answers["exchange"] = {"allow": True}
    await exchanged(world, "orders", held["access_token"], audience=STOCK, **actor)
    facts = receiver.heard[-1]["data"]
    assert (facts["client_id"], facts["subject"], facts["subject_client_id"]) == ("orders", "alice", "app")
    assert (facts["actor"], facts["audience"], facts["scope"]) == (
        {"sub": "orders", "client_id": "orders"},
        [STOCK],
        "read",
    )
    assert (facts["subject_token_type"], facts["issued_token_type"]) == (ACCESS, ACCESS)
    assert held["access_token"] not in str(receiver.heard), "never a credential"


async def test_also_for_tokens_of_others(world: World, receiver: Receiver) -> None:
    await app(world)
    given = {"issuer": "https://partner.example", "jwks": JWKS, "uses": ["token-exchange"]}
    await trusts.add_trust(world.issuer, TrustInput.read(given))
    receiver.answers["exchange"] = {"allow": False}
    refused = await exchange(world, "app", Signer().sign(iss="https://partner.example", sub="carol"), JWT)
    assert (refused.status, (await refused.json())["error"]) == (400, "invalid_request")
    assert not (await world.issuer.store.grants.list_of_user("carol")).grants
    assert receiver.heard[-1]["data"]["subject_client_id"] == ""


async def test_the_hook_of_refreshes_is_asked_about_a_refresh_token(redis: Shape, receiver: Receiver) -> None:
    async with hooked(redis, {"policy": {"url": receiver.url, "events": ["refresh"]}}) as world:
        await world.user()
        held = await world.tokens(await app(world), audience=(ORDERS,), scope="read")
        receiver.answers["refresh"] = {"allow": False, "message": "Not on Sundays."}
        refused = await exchange(world, "app", held["refresh_token"], REFRESH)
        assert refused.status == 400
        assert await refused.json() == {"error": "invalid_request", "error_description": "Not on Sundays."}
        receiver.answers["refresh"] = {"allow": True}
        await exchanged(world, "app", held["refresh_token"], REFRESH)
        await exchanged(world, "app", held["access_token"])
        assert len(receiver.heard) == 2, "an access token is no refresh"
