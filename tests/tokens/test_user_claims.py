"""Claims about a person in access tokens: per client and per scope, as they are now, and at no further round trip."""

from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from service.admin import clients, users
from service.admin.client_input import ClientInput
from service.admin.errors import InvalidInput
from service.admin.grants import CodeInput, issue_code
from service.admin.users import UserInput
from service.app import open_issuer
from service.protocol.names import AccessTokenFormat
from service.settings import SettingsError, load
from tests import redis_shapes
from tests.cutting_proxy import CuttingProxy
from tests.world import World, in_process, settings_for

OF_ALICE = {"department": "sales", "employee": 7, "team#de": "Verkauf", "email": "a@b.example", "secret": "x"}
PASSWORD = {"grant_type": "password", "username": "alice", "password": "wonderland"}


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


async def alice(world: World) -> None:
    await users.create_user(world.issuer, UserInput(username="alice", claims=dict(OF_ALICE)), "wonderland")


async def code_for(world: World, scope: str = "read") -> str:
    return (await issue_code(world.issuer, CodeInput(client="app", user="alice", scope=scope))).code


async def introspected(world: World, token: str) -> dict[str, Any]:
    return dict(await (await world.post("/introspect", {"token": token})).json())


@pytest.fixture
async def told(world: World) -> World:
    """A client whose access tokens tell of department and team."""
    await world.client(access_token_claims=("department", "team"))
    await alice(world)
    return world


# by client


@pytest.mark.parametrize("way", ["code", "password"])
async def test_a_clients_access_tokens_tell_what_it_is_set_to(told: World, way: str) -> None:
    """In introspection, after a refresh too, and nothing else about the person."""
    response = await (told.token(**PASSWORD) if way == "password" else told.redeem(await code_for(told)))
    tokens = await response.json()
    for body in (tokens, await (await told.refresh(tokens["refresh_token"])).json()):
        shown = await introspected(told, body["access_token"])
        assert (shown["department"], shown["team#de"]) == ("sales", "Verkauf")
        assert not {"employee", "email", "secret"} & set(shown)
        assert "department" not in body
    assert "department" not in await introspected(told, tokens["refresh_token"])


async def test_as_jwts_they_tell_the_same(world: World) -> None:
    await world.client(access_token_claims=("department",), access_token_format=AccessTokenFormat.JWT)
    await alice(world)
    tokens = await (await world.redeem(await code_for(world))).json()
    refreshed = await (await world.refresh(tokens["refresh_token"])).json()
    for body in (tokens, refreshed):
        assert claims_of(body["access_token"])["department"] == "sales"
        assert (await introspected(world, body["access_token"]))["department"] == "sales"


async def test_from_the_authorization_endpoint_too(world: World) -> None:
    from tests.person import Person

    await world.openid_client(
        access_token_claims=("department",),
        access_token_format=AccessTokenFormat.JWT,
        response_types=("id_token token",),
    )
    await alice(world)
    shown = await Person(world).sign_in(response_type="id_token token", nonce="n", scope="openid")
    assert claims_of(shown.answer["access_token"])["department"] == "sales"
    assert "department" not in claims_of(shown.answer["id_token"])


async def test_a_client_itself_has_no_claims(told: World) -> None:
    token = (await (await told.token(grant_type="client_credentials")).json())["access_token"]
    assert "department" not in await introspected(told, token)


# by scope


async def test_a_scope_may_mean_claims_in_access_tokens(world: World) -> None:
    """Those of the token: a refresh that asks for less tells less."""
    async with world.having(access_token_claims={"write": ("employee",)}) as other:
        await other.client(access_token_format=AccessTokenFormat.BOTH)
        await alice(other)
        tokens = await (await other.redeem(await code_for(other, "read write"))).json()
        assert claims_of(tokens["access_token_jwt"])["employee"] == 7
        assert (await introspected(other, tokens["access_token"]))["employee"] == 7
        less = await (await other.refresh(tokens["refresh_token"], scope="read")).json()
        assert "employee" not in claims_of(less["access_token_jwt"])
        assert "employee" not in await introspected(other, less["access_token"])


# as they are now


async def test_a_changed_claim_is_told_at_once(told: World) -> None:
    """By introspection of what is out already, and by what a refresh brings."""
    tokens = await (await told.redeem(await code_for(told))).json()
    await users.update_user(told.issuer, "alice", {"department": "research", "team": "new", "team#de": None})
    shown = await introspected(told, tokens["access_token"])
    assert (shown["department"], shown["team"]) == ("research", "new")
    assert "team#de" not in shown
    await users.update_user(told.issuer, "alice", {"department": None})
    refreshed = await (await told.refresh(tokens["refresh_token"])).json()
    assert "department" not in await introspected(told, refreshed["access_token"])


async def test_what_a_client_is_given_later_comes_with_the_next_refresh(told: World) -> None:
    tokens = await (await told.redeem(await code_for(told))).json()
    await clients.update_client(told.issuer, "app", {"access_token_claims": ("employee",)})
    told.issuer.store.clients.forget(["app"])
    assert "department" not in await introspected(told, tokens["access_token"]), "what is taken away is gone at once"
    refreshed = await (await told.refresh(tokens["refresh_token"])).json()
    assert (await introspected(told, refreshed["access_token"]))["employee"] == 7


# who may say so


@pytest.mark.parametrize("name", ["sub", "scope", "client_id", "exp", "username", "cnf", "", "a b", "name#de"])
def test_claims_of_the_token_itself_cannot_be_the_persons(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"access_token_claims\.0"):
        ClientInput.read({"client_id": "app", "grant_types": ["password"], "access_token_claims": [name]})
    with pytest.raises(SettingsError, match=r"access_token_claims\.read\.0"):
        load(access_token_claims={"read": (name,)})


# what it costs

TRIPS = {"authorization_code": 2, "refresh_token": 2, "password": 2, "introspection": 1}


@pytest.fixture
async def counted(proxy: CuttingProxy, redis: redis_shapes.Shape) -> AsyncIterator[World]:
    async with (
        open_issuer(settings_for(proxy.url), listen=False) as issuer,
        in_process(issuer) as http,
    ):
        yield World(issuer, http, redis)


@pytest.mark.parametrize("form", [AccessTokenFormat.OPAQUE, AccessTokenFormat.JWT])
@pytest.mark.parametrize(("what", "trips"), TRIPS.items())
async def test_token_requests_cost_no_further_round_trip(
    counted: World, proxy: CuttingProxy, what: str, trips: int, form: AccessTokenFormat
) -> None:
    world = counted
    await world.client(access_token_claims=("department",), access_token_format=form)
    await alice(world)
    tokens = await (await world.redeem(await code_for(world))).json()
    code = await code_for(world)
    before = proxy.round_trips
    match what:
        case "authorization_code":
            response = await world.redeem(code)
        case "refresh_token":
            response = await world.refresh(tokens["refresh_token"])
        case "password":
            response = await world.token(**PASSWORD)
        case _:
            response = await world.post("/introspect", {"token": tokens["access_token"]})
    assert response.status == 200, await response.text()
    assert proxy.round_trips - before == trips
    body = await response.json()
    assert (body if what == "introspection" else await introspected(world, body["access_token"]))[
        "department"
    ] == "sales"
