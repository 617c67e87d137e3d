"""/auth/token, /issue and /fail, driven by Authlete's SDK."""

import json
import logging
from typing import Any

import jwt
import pytest
from authlete.api import AuthleteApiException
from authlete.dto import (
    TokenAction,
)
from authlete.types import ClientAuthMethod as SdkMethod
from authlete.types import GrantType as SdkGrantType

from service.app import open_issuer
from service.protocol.names import ClientAuthMethod
from tests.deciding import Backend, backend
from tests.fronts.decision_api.token_calls import JWT_BEARER, ask, error_in, prop
from tests.world import CALLBACK, SECRET, World, settings_for


async def test_a_code_buys_tokens_and_every_part_is_told(caller: Backend) -> None:
    """The ready-made body, and its parts one by one: AU-10, AU-14, AU-16, AU-17, AU-18, AU-19, AU-20, AU-21, AU-22, AU-24,
    AU-25, AU-26, AU-27, AU-28, AU-29, AU-30, AU-33.
    """
    world = caller.world
    client = await world.openid_client(alias="the-app", access_token_lifetime=600)
    code = await world.code(client, scope="openid read")
    response = await ask(
        caller,
        ("the-app", SECRET),
        [prop("shop", "7"), prop("till", "3", hidden=True)],
        grant_type="authorization_code",
        code=code,
        redirect_uri=CALLBACK,
    )
    assert response.action is TokenAction.OK, response.responseContent
    body = json.loads(response.responseContent)
    assert response.accessToken == body["access_token"]
    assert response.refreshToken == body["refresh_token"]
    assert response.idToken == body["id_token"]
    assert (response.accessTokenDuration, body["expires_in"]) == (600, 600)
    exact = (await world.introspect(response.accessToken))["exp"]
    assert response.accessTokenExpiresAt == exact * 1000
    refresh_end = (await world.introspect(response.refreshToken))["exp"]
    assert response.refreshTokenExpiresAt == refresh_end * 1000
    assert response.refreshTokenDuration == world.issuer.settings.refresh_idle_lifetime
    assert response.grantType is SdkGrantType.AUTHORIZATION_CODE
    assert response.clientId >= 2**52
    assert (response.clientIdAlias, response.clientIdAliasUsed) == ("app", True)
    assert (response.subject, response.scopes) == ("alice", ["openid", "read"])
    assert {one.key: (one.value, one.hidden) for one in response.properties} == {
        "shop": ("7", False),
        "till": ("3", True),
    }
    assert (body["shop"], "till" in body) == ("7", False)
    assert response.clientAuthMethod is SdkMethod.CLIENT_SECRET_BASIC
    assert (response.username, response.password, response.ticket) == (None, None, None)
    assert not response.previousRefreshTokenUsed
    told = await world.introspect(response.accessToken)
    assert (told["shop"], "till" in told) == ("7", False)


async def test_a_client_whose_client_id_is_a_number_has_that_number(caller: Backend) -> None:
    """AU-25, AU-27: and its alias is the alias."""
    await caller.world.client("26478243745571", alias="shop")
    response = await ask(caller, ("26478243745571", SECRET), grant_type="client_credentials")
    assert (response.clientId, response.clientIdAlias, response.clientIdAliasUsed) == (26478243745571, "shop", False)
    response = await ask(caller, ("shop", SECRET), grant_type="client_credentials")
    assert (response.clientId, response.clientIdAlias, response.clientIdAliasUsed) == (26478243745571, "shop", True)


async def test_client_credentials_have_no_subject_and_no_refresh_token(caller: Backend) -> None:
    """AU-19 to AU-22, AU-24, AU-28: what is not there is null or 0."""
    await caller.world.client()
    response = await ask(
        caller, properties=[prop("shop", "7")], duration=77, grant_type="client_credentials", scope="read"
    )
    assert response.action is TokenAction.OK
    assert (response.subject, response.refreshToken, response.idToken) == (None, None, None)
    assert (response.refreshTokenDuration, response.refreshTokenExpiresAt) == (0, 0)
    assert response.grantType is SdkGrantType.CLIENT_CREDENTIALS
    assert response.accessTokenDuration == 77
    assert (await caller.world.introspect(response.accessToken))["shop"] == "7"


async def test_what_the_caller_adds_to_a_refreshed_token(caller: Backend) -> None:
    """AU-30: the new access token's, also inside a JWT; a repeat tells those that were issued, not those of the repeat."""
    client = await caller.world.client(access_token_format="jwt")
    refresh = (await caller.world.tokens(client))["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    first = await ask(caller, properties=[prop("shop", "7"), prop("till", "3", hidden=True)], **form)
    claims = jwt.decode(first.accessToken, options={"verify_signature": False})
    assert (claims["shop"], "till" in claims) == ("7", False)
    assert (await caller.world.introspect(first.accessToken))["shop"] == "7"
    again = await ask(caller, properties=[prop("shop", "8")], **form)
    assert {one.key: one.value for one in again.properties} == {"shop": "7", "till": "3"}
    assert json.loads(again.responseContent)["shop"] == "7"


async def test_a_jwt_beside_an_opaque_token(caller: Backend) -> None:
    """AU-23: both are told."""
    await caller.world.client(access_token_format="both")
    response = await ask(caller, grant_type="client_credentials")
    assert response.accessToken.startswith("mm_at_")
    assert response.jwtAccessToken.count(".") == 2
    await caller.world.client("jwt-only", access_token_format="jwt")
    response = await ask(caller, ("jwt-only", SECRET), grant_type="client_credentials")
    assert response.accessToken == response.jwtAccessToken


@pytest.mark.parametrize("form", ["opaque", "jwt"])
async def test_a_repeated_refresh_says_the_same_again(caller: Backend, form: str) -> None:
    """P2, AU-20, AU-21: the fields come from the response itself."""
    client = await caller.world.client(access_token_format=form)
    refresh = (await caller.world.tokens(client))["refresh_token"]
    first = await ask(caller, grant_type="refresh_token", refresh_token=refresh)
    again = await ask(caller, grant_type="refresh_token", refresh_token=refresh)
    assert (first.previousRefreshTokenUsed, again.previousRefreshTokenUsed) == (False, True)
    for name in ("responseContent", "accessToken", "accessTokenExpiresAt", "refreshToken", "refreshTokenExpiresAt"):
        assert getattr(first, name) == getattr(again, name), name
    assert (again.subject, again.scopes, again.clientId) == (first.subject, first.scopes, first.clientId)


@pytest.mark.parametrize(
    ("client", "form"),
    [
        (("nobody", SECRET), {}),
        (None, {}),
        (("app", "wrong-secret"), {}),
        (("app", ""), {}),
        (("", ""), {}),
        (None, {"client_id": "app"}),
        (None, {"client_id": "app", "client_secret": SECRET}),
    ],
    ids=["unknown", "none", "wrong", "empty", "nothing", "public", "other method"],
)
async def test_who_is_not_the_client(caller: Backend, client: tuple[str, str] | None, form: dict[str, Any]) -> None:
    """AU-02, AU-04: unknown, unauthenticated, by another method; nothing is told about whom it may be."""
    await caller.world.client()
    response = await ask(caller, client, grant_type="client_credentials", **form)
    assert (response.action, error_in(response)) == (TokenAction.INVALID_CLIENT, "invalid_client")
    assert (response.clientId, response.clientAuthMethod, response.accessToken) == (0, None, None)
    assert response.resultCode == "M200002"


async def test_a_client_that_authenticates_in_the_form(caller: Backend) -> None:
    """AU-33: the method is the client's own, and is told."""
    await caller.world.client(auth_method=ClientAuthMethod.CLIENT_SECRET_POST)
    form: dict[str, Any] = {"grant_type": "client_credentials", "client_id": "app", "client_secret": SECRET}
    response = await ask(caller, None, **form)
    assert (response.action, response.clientAuthMethod) == (TokenAction.OK, SdkMethod.CLIENT_SECRET_POST)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "banana"}, "unsupported_grant_type"),
        ({"grant_type": JWT_BEARER, "assertion": "x"}, "unauthorized_client"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "client_credentials", "scope": "admin"}, "invalid_scope"),
        ({"grant_type": "password", "username": "alice"}, "invalid_request"),
        ({"grant_type": "password", "username": "alice", "password": "x", "scope": "admin"}, "invalid_scope"),
    ],
)
async def test_what_is_refused(caller: Backend, form: dict[str, Any], error: str) -> None:
    """AU-06, AU-34: the body is ready to be sent, the code is stable."""
    await caller.world.client()
    response = await ask(caller, **form)
    assert (response.action, error_in(response)) == (TokenAction.BAD_REQUEST, error)
    assert response.resultCode.startswith("M2")
    assert response.resultMessage.startswith(f"[{response.resultCode}] {error}")


async def test_a_form_that_is_none(caller: Backend) -> None:
    await caller.world.client()
    for parameters in ("grant_type=a&grant_type=b", "%ff=%ff", "a\x00b", "é=é", "&".join(f"a{n}=1" for n in range(99))):
        answer = await caller.answer("/auth/token", parameters=parameters)
        assert (answer["action"], json.loads(answer["responseContent"])["error"]) == ("BAD_REQUEST", "invalid_request")


@pytest.mark.parametrize("action", ["ok", "refused", "password"])
async def test_every_answer_is_json_that_nobody_keeps(caller: Backend, action: str) -> None:
    """AU-11, AU-12, AU-13: of the call itself; what the caller sends on has the same by its own hand."""
    await caller.world.client()
    form = {
        "ok": "grant_type=client_credentials",
        "refused": "",
        "password": "grant_type=password&username=a&password=b",
    }
    members = {"parameters": form[action], "clientId": "app", "clientSecret": SECRET}
    response = await caller.post("/auth/token", members)
    assert response.status == 200
    headers = [response.headers[name] for name in ("Content-Type", "Cache-Control", "Pragma")]
    assert headers == ["application/json", "no-store", "no-cache"]


async def test_one_line_in_the_log_tells_what_was_decided(caller: Backend, caplog: pytest.LogCaptureFixture) -> None:
    """AU-35: a summary without a secret in it."""
    client = await caller.world.client()
    code = await caller.world.code(client)
    with caplog.at_level(logging.INFO):
        response = await ask(caller, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    (line,) = [record.__dict__ for record in caplog.records if record.getMessage() == "decision_api_call"]
    expected = {"call": "/auth/token", "action": "OK", "result_code": "M100011", "client_id": "app", "subject": "alice"}
    assert {name: line[name] for name in expected} == expected
    for secret in (code, response.accessToken, response.refreshToken, SECRET):
        assert secret not in str(line)


async def test_redis_away_is_503_and_nobodys_fault(world: World) -> None:
    """P7: the SDK raises, and the caller may try again; no client is told that it is wrong."""
    await world.client()
    impatient = settings_for(world.redis.url, redis_timeout=1)
    async with (
        open_issuer(impatient, listen=False) as issuer,
        backend(World(issuer, world.http, world.redis)) as caller,
    ):
        world.redis.pause(world.redis.nodes[0])
        try:
            with pytest.raises(AuthleteApiException) as refused:
                await ask(caller, grant_type="client_credentials")
        finally:
            world.redis.resume(world.redis.nodes[0])
    response = refused.value.response
    assert (response.status_code, response.json()["resultCode"]) == (503, "M000009")
    assert response.headers["Retry-After"]


async def test_what_is_not_supported_is_told(caller: Backend) -> None:
    await caller.world.client()
    for member in ("accessToken", "jwtAtClaims"):
        response = await caller.post("/auth/token", {"parameters": "grant_type=client_credentials", member: "{}"})
        assert (response.status, (await response.json())["resultCode"]) == (400, "M000007")
