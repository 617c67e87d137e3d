"""The token endpoint as a whole (RFC 6749 section 3.2): shapes of answers, which grant types, custom properties, clients."""

from typing import Any

import pytest

from service.grants import GRANT_TYPES
from service.protocol.credentials import Kind, parse
from service.protocol.names import TOKEN_RESPONSE_MEMBERS, GrantTypeName
from service.records.property import Property
from tests.world import World, basic, error_of

GRANT = {"grant_type": "client_credentials"}


async def test_a_success_has_the_shape_of_rfc_6749_5_1(world: World) -> None:
    """IT-01, IT-19, IT-24, AU-10, AU-11, AU-12, AU-13, WM-16, WM-17, WM-18."""
    await world.client()
    response = await world.token(**GRANT)
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Pragma"] == "no-cache"
    body = await response.json()
    credential = parse(body["access_token"])
    assert credential is not None
    assert credential.kind is Kind.ACCESS_TOKEN
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, "read")


@pytest.mark.parametrize(
    ("form", "client_id", "status", "error"),
    [
        pytest.param({}, "app", 400, "invalid_request", id="IT-25 no grant_type"),
        pytest.param({"grant_type": ""}, "app", 400, "invalid_request", id="an empty grant_type"),
        pytest.param({"grant_type": "implicit"}, "app", 400, "unsupported_grant_type", id="one we do not have"),
        pytest.param({"grant_type": "Password"}, "app", 400, "unsupported_grant_type", id="another case"),
        pytest.param({"grant_type": "x" * 60_000}, "app", 400, "unsupported_grant_type", id="a very long one"),
        pytest.param({"grant_type": '"\\\r\n{é'}, "app", 400, "unsupported_grant_type", id="odd characters"),
        pytest.param({"grant_type": "password"}, "app", 400, "unauthorized_client", id="one the client does not have"),
        pytest.param({"grant_type": "nonsense"}, "ghost", 401, "invalid_client", id="IT-26 nobody we know"),
    ],
)
async def test_a_refusal_has_the_shape_of_rfc_6749_5_2(
    world: World, form: dict[str, str], client_id: str, status: int, error: str
) -> None:
    """IT-01, IT-22, AU-06, AU-11, AU-12, AU-13, AU-14."""
    await world.client(grant_types=("client_credentials",))
    response = await world.post("/token", form, client_id)
    assert await error_of(response) == (status, error)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Pragma"] == "no-cache"
    assert set(await response.json()) == {"error", "error_description"}


ELSEWHERE = (GrantTypeName.IMPLICIT,)
"""Grant types that are answered by the authorization endpoint."""


def test_every_registered_grant_type_is_in_the_list_by_its_name() -> None:
    """IT-02, IT-03, IT-04, IT-07, WM-01."""
    assert sorted(GRANT_TYPES) == sorted(name.value for name in GrantTypeName if name not in ELSEWHERE)
    assert all(name == grant_type.name for name, grant_type in GRANT_TYPES.items())


@pytest.mark.parametrize("grant_type", sorted(GRANT_TYPES))
async def test_a_client_uses_the_grant_types_it_is_registered_for(world: World, grant_type: str) -> None:
    """WM-01: each can be turned off for itself."""
    await world.client(grant_types=tuple(set(GRANT_TYPES) - {grant_type}))
    form = {"grant_type": grant_type, "code": "x", "refresh_token": "x", "username": "x", "password": "x"}
    assert await error_of(await world.post("/token", form)) == (400, "unauthorized_client")


# custom properties


async def test_public_properties_are_in_the_answer_and_private_ones_are_not(world: World) -> None:
    """IA-21, AU-30: those of the client and those of the grant; the grant's win; any JSON."""
    client = await world.client(
        properties=(Property("tier", "basic", True), Property("region", ["eu", 1], True), Property("cost_centre", 7)),
    )
    grant = (Property("tier", "gold", True), Property("limits", {"daily": 3.5}, True), Property("risk", "low"))
    body = await world.tokens(client, properties=grant)
    assert (body["tier"], body["region"], body["limits"]) == ("gold", ["eu", 1], {"daily": 3.5})
    assert not {"cost_centre", "risk"} & set(body)
    again = await (await world.refresh(body["refresh_token"])).json()
    assert (again["tier"], again["limits"]) == ("gold", {"daily": 3.5}), "the grant's go on with every refresh"


@pytest.mark.parametrize("name", sorted(TOKEN_RESPONSE_MEMBERS))
async def test_a_property_never_takes_the_place_of_a_registered_member(world: World, name: str) -> None:
    """IT-19."""
    evil = Property(name, "evil", True, True)
    body = await world.tokens(await world.client(properties=(evil,)), properties=(evil,))
    assert body.get(name) != "evil"
    assert {"access_token", "token_type", "expires_in", "refresh_token", "scope"} == set(body)


async def test_an_answer_without_a_scope_has_no_empty_one(world: World) -> None:
    body = await world.tokens(await world.client(), scope="")
    assert "scope" not in body


# tokens of another kind, and of nobody


async def test_no_credential_does_anothers_work(world: World) -> None:
    """Code, access token and refresh token, each where the others belong."""
    client = await world.client()
    code, tokens = await world.code(client), await world.tokens(client)
    place = {"authorization_code": ("code", code), "refresh_token": ("refresh_token", tokens["refresh_token"])}
    everything = {code, tokens["access_token"], tokens["refresh_token"]}
    for grant_type, (parameter, right) in place.items():
        for other in everything - {right}:
            response = await world.post("/token", {"grant_type": grant_type, parameter: other})
            assert await error_of(response) == (400, "invalid_grant")
    assert (await world.redeem(code)).status == 200
    assert (await world.refresh(tokens["refresh_token"])).status == 200


async def test_a_token_is_no_client_authentication(world: World) -> None:
    client = await world.client()
    tokens = await world.tokens(client)
    for header in (f"Bearer {tokens['access_token']}", basic("app", tokens["access_token"])["Authorization"]):
        response = await world.http.post("/token", data=GRANT, headers={"Authorization": header})
        assert await error_of(response) == (401, "invalid_client")


# clients whose tokens are dead


async def _all_kinds(world: World, client: Any) -> tuple[str, dict[str, Any], str]:
    """A code, tokens of a code, and an access token of client_credentials."""
    code, tokens = await world.code(client), await world.tokens(client)
    own = await (await world.token(client.client_id, **GRANT)).json()
    return code, tokens, own["access_token"]


async def test_a_disabled_clients_tokens_are_dead_at_once_and_live_again_with_it(world: World) -> None:
    """Tier 2 of webMethods: disable a client, and its tokens are invalid."""
    client = await world.client()
    await world.client("api", introspect=True, resources=("https://api.example",))
    code, tokens, own = await _all_kinds(world, await world.change(client, audiences=("https://api.example",)))
    page = await world.tokens(client, audience=("https://api.example",))
    assert await world.is_active(page["access_token"], "api")
    await world.change(client, enabled=False)
    assert not await world.is_active(page["access_token"], "api")
    assert not await world.is_active(own, "api")
    for response in (
        await world.redeem(code),
        await world.refresh(tokens["refresh_token"]),
        await world.token(**GRANT),
    ):
        assert await error_of(response) == (401, "invalid_client")
    await world.change(client, enabled=True)
    assert await world.is_active(page["access_token"], "api")
    assert (await world.refresh(tokens["refresh_token"])).status == 200


async def test_a_deleted_clients_tokens_are_dead_at_once(world: World) -> None:
    """IA-35."""
    client = await world.client(audiences=("https://api.example",))
    await world.client("api", introspect=True, resources=("https://api.example",))
    token = (await world.tokens(client, audience=("https://api.example",)))["access_token"]
    own = (await (await world.token(**GRANT)).json())["access_token"]
    assert await world.is_active(token, "api")
    assert await world.is_active(own, "api")
    await world.issuer.store.clients.delete(client)
    assert not await world.is_active(token, "api")
    assert not await world.is_active(own, "api")
    assert await error_of(await world.token(**GRANT)) == (401, "invalid_client")


async def test_raising_a_clients_generation_ends_all_it_ever_got(world: World) -> None:
    """Authlete's revocation by client, IRIS's RevokeByClientId: in one write, whatever was issued."""
    client = await world.client()
    code, tokens, own = await _all_kinds(world, client)
    await world.refresh(tokens["refresh_token"])
    client = await world.change(client, generation=1)
    for token in (tokens["access_token"], tokens["refresh_token"], own):
        assert not await world.is_active(token)
    for response in (await world.redeem(code), await world.refresh(tokens["refresh_token"])):
        assert await error_of(response) == (400, "invalid_grant")
    code, tokens, own = await _all_kinds(world, client)
    assert await world.is_active(tokens["access_token"])
    assert await world.is_active(own)
    assert (await world.redeem(code)).status == 200


# the same on every Redis


async def test_a_grants_whole_life_on_every_shape_of_redis(any_world: World) -> None:
    """IA-01, IA-02, IA-35, IA-36, IA-38, IA-39, IA-40, WM-31: standalone, Sentinel and Cluster."""
    world = any_world
    await world.user()
    client = await world.client(alias="the-app")
    tokens = await world.tokens(client, verifier=None)
    assert await world.is_active(tokens["access_token"])
    again = await (await world.refresh(tokens["refresh_token"], "the-app")).json()
    signed_in = await (await world.token(grant_type="password", username="alice", password="wonderland")).json()
    own = await (await world.token(**GRANT)).json()
    assert (await world.revoke(own["access_token"])).status == 200
    assert not await world.is_active(own["access_token"])
    assert await world.issuer.store.grants.revoke_user("alice") == 2
    for body in (tokens, again, signed_in):
        assert not await world.is_active(body["access_token"])
        assert not await world.is_active(body["refresh_token"])
