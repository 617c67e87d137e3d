"""/auth/introspection and /standard, driven by Authlete's SDK."""

import json
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from authlete.dto import (
    IntrospectionAction,
    IntrospectionRequest,
    IntrospectionResponse,
    StandardIntrospectionAction,
    StandardIntrospectionRequest,
    StandardIntrospectionResponse,
)
from authlete.types import GrantType

from service.records.property import Property
from tests.deciding import Backend


async def ask(caller: Backend, token: str | None, **members: Any) -> IntrospectionResponse:
    request = IntrospectionRequest()
    request.token = token
    for name, value in members.items():
        setattr(request, name, value)
    return await caller.ask("introspection", request)


async def standard(caller: Backend, token: str, **members: Any) -> StandardIntrospectionResponse:
    request = StandardIntrospectionRequest()
    request.parameters = urlencode({"token": token}) if token else ""
    for name, value in members.items():
        setattr(request, name, value)
    return await caller.ask("standardIntrospection", request)


HIDDEN = (Property("shop", "7", True, True), Property("till", 3))


async def token_of(caller: Backend, **grant: Any) -> dict[str, Any]:
    client = await caller.world.client(audiences=("https://api.example",))
    wished = {"acr": "gold", "audience": ("https://api.example",), "properties": HIDDEN}
    return await caller.world.tokens(client, **(wished | grant))


async def test_a_token_that_may_be_used(caller: Backend) -> None:
    """AU-18, AU-30: whose it is, for what, until when, and every property."""
    tokens = await token_of(caller)
    told = await ask(caller, tokens["access_token"], scopes=["read"], subject="alice", acrValues=["gold"], maxAge=60)
    assert told.action is IntrospectionAction.OK
    assert (told.existent, told.usable, told.sufficient, told.refreshable) == (True, True, True, True)
    assert (told.subject, told.scopes, told.clientIdAlias) == ("alice", ["read", "write"], "app")
    assert told.expiresAt == 1000 * (await caller.world.introspect(tokens["access_token"]))["exp"]
    assert {one.key: (one.value, one.hidden) for one in told.properties} == {"shop": ("7", False), "till": ("3", True)}
    assert (told.acr, told.grantType) == ("gold", GrantType.AUTHORIZATION_CODE)
    assert told.accessTokenResources == ["https://api.example"]
    assert told.responseContent is None


@pytest.mark.parametrize(
    ("required", "action", "error"),
    [
        ({"scopes": ["read", "admin"]}, IntrospectionAction.FORBIDDEN, "insufficient_scope"),
        ({"subject": "bob"}, IntrospectionAction.FORBIDDEN, "invalid_request"),
        ({"resources": ["https://other.example"]}, IntrospectionAction.FORBIDDEN, "invalid_target"),
        ({"acrValues": ["platinum"]}, IntrospectionAction.UNAUTHORIZED, "insufficient_user_authentication"),
    ],
)
async def test_a_token_that_does_not_cover_it(
    caller: Backend, required: dict[str, Any], action: IntrospectionAction, error: str
) -> None:
    """The challenge is ready-made (RFC 6750 section 3, RFC 9470)."""
    told = await ask(caller, (await token_of(caller))["access_token"], **required)
    assert (told.action, told.usable, told.sufficient) == (action, True, False)
    assert told.responseContent.startswith(f'Bearer error="{error}", error_description="')


async def test_somebody_signed_in_too_long_ago(caller: Backend) -> None:
    told = await ask(caller, (await token_of(caller, auth_time=1_700_000_000))["access_token"], maxAge=60)
    assert told.action is IntrospectionAction.UNAUTHORIZED
    assert told.responseContent.endswith(', max_age="60"')


async def test_a_challenge_repeats_nothing_that_breaks_out_of_it(caller: Backend) -> None:
    told = await ask(caller, (await token_of(caller))["access_token"], scopes=['x"\r\nSet-Cookie: a=b', "é"])
    assert told.action is IntrospectionAction.FORBIDDEN
    assert not set("\r\né") & set(told.responseContent)
    assert told.responseContent.count('"') == 6


@pytest.mark.parametrize("token", ["x", "mm_at_" + "x" * 65, "a.b.c", "é", "x" * 9000])
async def test_what_is_no_token(caller: Backend, token: str) -> None:
    told = await ask(caller, token)
    assert (told.action, told.existent, told.usable) == (IntrospectionAction.UNAUTHORIZED, False, False)
    assert told.responseContent.startswith('Bearer error="invalid_token"')


async def test_no_token_at_all(caller: Backend) -> None:
    told = await ask(caller, None)
    assert told.action is IntrospectionAction.BAD_REQUEST
    assert told.responseContent.startswith('Bearer error="invalid_request"')


async def test_a_refresh_token_is_no_access_token(caller: Backend) -> None:
    assert (await ask(caller, (await token_of(caller))["refresh_token"])).action is IntrospectionAction.UNAUTHORIZED


async def test_revoked_tokens_and_disabled_clients(caller: Backend) -> None:
    tokens = await token_of(caller)
    await caller.world.revoke(tokens["refresh_token"])
    assert (await ask(caller, tokens["access_token"])).action is IntrospectionAction.UNAUTHORIZED
    tokens = await token_of(caller)
    await caller.world.client(enabled=False)
    assert (await ask(caller, tokens["access_token"])).action is IntrospectionAction.UNAUTHORIZED


async def test_a_token_that_cannot_be_refreshed(caller: Backend) -> None:
    await caller.world.client()
    alone = await (await caller.world.token(grant_type="client_credentials")).json()
    told = await ask(caller, alone["access_token"])
    assert (told.action, told.refreshable, told.subject) == (IntrospectionAction.OK, False, None)
    client = await caller.world.client("once", refresh_limit=0)
    told = await ask(caller, (await caller.world.tokens(client))["access_token"])
    assert (told.action, told.refreshable) == (IntrospectionAction.OK, False)


@pytest.mark.parametrize("form", ["jwt", "stateless"])
async def test_tokens_that_are_jwts(caller: Backend, form: str) -> None:
    await caller.world.client(access_token_format=form)
    body = await (await caller.world.token(grant_type="client_credentials", scope="read")).json()
    told = await ask(caller, body["access_token"], scopes=["read"])
    assert (told.action, told.scopes, told.clientIdAlias) == (IntrospectionAction.OK, ["read"], "app")
    assert told.expiresAt > 0


async def test_the_standard_answer(caller: Backend) -> None:
    """RFC 7662, whoever the token belongs to; hidden properties only where they are wanted."""
    tokens = await token_of(caller)
    told = await standard(caller, tokens["access_token"])
    assert told.action is StandardIntrospectionAction.OK
    body = json.loads(told.responseContent)
    assert body == await caller.world.introspect(tokens["access_token"])
    assert (body["shop"], "till" in body) == ("7", False)
    told = await standard(caller, tokens["access_token"], withHiddenProperties=True)
    assert json.loads(told.responseContent)["till"] == 3
    assert json.loads((await standard(caller, tokens["refresh_token"])).responseContent)["active"] is True
    assert json.loads((await standard(caller, "x")).responseContent) == {"active": False}
    hidden = await standard(caller, tokens["refresh_token"], withHiddenProperties=True)
    assert json.loads(hidden.responseContent)["active"] is True


async def test_no_hidden_property_passes_for_a_registered_member(caller: Backend) -> None:
    """RFC 7662 2.2: a token of a client itself has no username and no cnf, and no property is told in their place."""
    await caller.world.client("4711")
    told = [{"key": key, "value": "root", "hidden": True} for key in ("sub", "username", "cnf", "aud", "till")]
    made = await caller.answer("/auth/token/create", grantType="CLIENT_CREDENTIALS", clientId=4711, properties=told)
    body = json.loads((await standard(caller, made["accessToken"], withHiddenProperties=True)).responseContent)
    assert body["till"] == "root"
    assert body["sub"] == body["client_id"] != "root"
    assert {"username", "cnf", "aud"}.isdisjoint(body)


async def test_the_standard_answer_without_a_token_is_a_bad_request(caller: Backend) -> None:
    told = await standard(caller, "")
    assert told.action is StandardIntrospectionAction.BAD_REQUEST
    assert json.loads(told.responseContent)["error"] == "invalid_request"


async def test_the_standard_answer_signed(caller: Backend) -> None:
    """RFC 9701: for the resource server that is named, where it accepts that."""
    tokens = await token_of(caller)
    accept = "Application/Token-Introspection+JWT"
    refused = {"httpAcceptHeader": f"application/json, {accept};q=0", "rsUri": "https://api.example"}
    assert (await standard(caller, tokens["access_token"], **refused)).action is StandardIntrospectionAction.OK
    told = await standard(caller, tokens["access_token"], httpAcceptHeader=accept, rsUri="https://api.example")
    assert told.action is StandardIntrospectionAction.JWT
    assert jwt.get_unverified_header(told.responseContent)["typ"] == "token-introspection+jwt"
    claims = jwt.decode(told.responseContent, options={"verify_signature": False})
    assert (claims["aud"], claims["token_introspection"]["active"]) == ("https://api.example", True)
