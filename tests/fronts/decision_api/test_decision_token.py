"""/auth/token, /issue and /fail, driven by Authlete's SDK."""

import json
import logging
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from authlete.api import AuthleteApiException
from authlete.dto import (
    Property,
    TokenAction,
    TokenFailAction,
    TokenFailReason,
    TokenFailRequest,
    TokenFailResponse,
    TokenIssueAction,
    TokenIssueRequest,
    TokenIssueResponse,
    TokenRequest,
    TokenResponse,
)
from authlete.types import ClientAuthMethod as SdkMethod
from authlete.types import GrantType as SdkGrantType

from service.admin import trusts
from service.admin.trusts import TrustInput
from service.app import open_issuer
from service.protocol.names import ClientAuthMethod, GrantTypeName
from tests.assertions import JWKS, Signer
from tests.deciding import OTHER_KEY, OTHER_SECRET, Backend, backend
from tests.world import CALLBACK, SECRET, World, settings_for

JWT_BEARER = GrantTypeName.JWT_BEARER.value


async def ask(
    caller: Backend,
    client: tuple[str, str] | None = ("app", SECRET),
    properties: list[Property] | None = None,
    duration: int = 0,
    **form: str,
) -> TokenResponse:
    """/auth/token. ``client``: what came by HTTP Basic."""
    request = TokenRequest()
    request.parameters = urlencode(form)
    if client is not None:
        request.clientId, request.clientSecret = client
    request.properties, request.accessTokenDuration = properties, duration
    return await caller.ask("token", request)


async def issue(caller: Backend, ticket: str, sdk: Any = None, **members: Any) -> TokenIssueResponse:
    request = TokenIssueRequest()
    for name, value in {"ticket": ticket, "subject": "alice", **members}.items():
        setattr(request, name, value)
    return await caller.ask("tokenIssue", request, sdk=sdk)


async def fail(caller: Backend, ticket: str, reason: TokenFailReason, sdk: Any = None) -> TokenFailResponse:
    request = TokenFailRequest()
    request.ticket, request.reason = ticket, reason
    return await caller.ask("tokenFail", request, sdk=sdk)


async def password(caller: Backend, **form: Any) -> TokenResponse:
    usual: dict[str, Any] = {"grant_type": "password", "username": "alice", "password": "wonder land&", "scope": "read"}
    return await ask(caller, **(usual | form))


def prop(key: str, value: str, *, hidden: bool = False) -> Property:
    made = Property()
    made.key, made.value, made.hidden = key, value, hidden
    return made


def error_in(response: Any) -> str:
    return str(json.loads(response.responseContent)["error"])


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


async def test_a_password_is_the_callers_to_check(caller: Backend) -> None:
    """AU-07, AU-08, AU-15, AU-31, AU-32: our directory is not asked."""
    world = caller.world
    await world.client()
    asked = await password(caller)
    assert asked.action is TokenAction.PASSWORD
    assert (asked.username, asked.password) == ("alice", "wonder land&")
    assert (asked.scopes, asked.grantType) == (["read"], SdkGrantType.PASSWORD)
    assert (asked.accessToken, asked.responseContent) == (None, None)
    issued = await issue(caller, asked.ticket, subject="sub-1", properties=[prop("shop", "7")])
    assert issued.action is TokenIssueAction.OK
    body = json.loads(issued.responseContent)
    assert (body["access_token"], body["shop"], body["scope"]) == (issued.accessToken, "7", "read")
    assert (issued.subject, issued.clientIdAlias, issued.refreshToken) == ("sub-1", "app", body["refresh_token"])
    told = await world.introspect(issued.accessToken)
    assert (told["sub"], told["username"], told["shop"]) == ("sub-1", "alice", "7")
    assert (await world.refresh(issued.refreshToken)).status == 200


async def test_the_user_name_of_a_waiting_request_cannot_be_read(world: World, caller: Backend) -> None:
    """P5: it may be a password in the wrong field."""
    await world.client()
    asked = await ask(caller, grant_type="password", username="corre\u0301ct horse", password="x")
    everything = repr(world.redis.dump())
    assert "horse" not in everything
    issued = await issue(caller, asked.ticket, subject="sub-1")
    assert (await world.introspect(issued.accessToken))["username"] == "corre\u0301ct horse"


async def test_what_the_request_says_is_checked_before_the_caller_is_asked(caller: Backend) -> None:
    await caller.world.client(grant_types=("client_credentials",))
    assert error_in(await password(caller)) == "unauthorized_client"


@pytest.mark.parametrize(
    ("reason", "action", "error"),
    [
        (TokenFailReason.INVALID_RESOURCE_OWNER_CREDENTIALS, TokenFailAction.BAD_REQUEST, "invalid_grant"),
        (TokenFailReason.INVALID_TARGET, TokenFailAction.BAD_REQUEST, "invalid_target"),
        (TokenFailReason.UNKNOWN, TokenFailAction.INTERNAL_SERVER_ERROR, "server_error"),
    ],
)
async def test_a_password_that_is_wrong(
    caller: Backend, reason: TokenFailReason, action: TokenFailAction, error: str
) -> None:
    """AU-09: invalid_grant for wrong credentials (RFC 6749 5.2)."""
    await caller.world.client()
    ticket = (await password(caller)).ticket
    failed = await fail(caller, ticket, reason)
    assert (failed.action, error_in(failed)) == (action, error)
    assert (await issue(caller, ticket)).action is TokenIssueAction.INTERNAL_SERVER_ERROR


async def test_the_password_is_kept_nowhere(caller: Backend, caplog: pytest.LogCaptureFixture) -> None:
    await caller.world.client()
    with caplog.at_level(logging.DEBUG):
        ticket = (await password(caller, password="not-to-be-kept-anywhere")).ticket
        await issue(caller, ticket)
    (node,) = caller.world.redis.primaries()
    kept = b"".join(node.admin.dump(key) or b"" for key in node.admin.keys("mm:*decision*"))
    assert kept
    assert b"not-to-be-kept-anywhere" not in kept
    assert ticket.encode() not in kept
    assert "not-to-be-kept-anywhere" not in caplog.text


async def test_a_ticket_is_for_one_use_and_one_caller(caller: Backend) -> None:
    """AU-15: Authlete's actions have INTERNAL_SERVER_ERROR for a ticket that cannot be used."""
    await caller.world.client()
    ticket = (await password(caller)).ticket
    other = caller.sdk_of(OTHER_KEY, OTHER_SECRET)
    stolen = await issue(caller, ticket, other)
    assert (stolen.action, stolen.resultCode, stolen.accessToken) == (
        TokenIssueAction.INTERNAL_SERVER_ERROR,
        "M000011",
        None,
    )
    refused = await fail(caller, ticket, TokenFailReason.UNKNOWN, other)
    assert (refused.action, refused.resultCode) == (TokenFailAction.INTERNAL_SERVER_ERROR, "M000011")
    assert (await issue(caller, ticket)).action is TokenIssueAction.OK
    assert (await issue(caller, ticket)).resultCode == "M000011"
    assert (await caller.answer("/auth/authorization/issue", ticket=ticket, subject="a"))["action"] == "BAD_REQUEST"


async def test_a_client_that_was_revoked_meanwhile_gets_nothing(caller: Backend) -> None:
    client = await caller.world.client()
    ticket = (await password(caller)).ticket
    await caller.world.change(client, generation=client.generation + 1)
    assert (await issue(caller, ticket)).resultCode == "M000011"


async def test_somebody_who_is_disabled_here_gets_nothing(caller: Backend) -> None:
    await caller.world.client()
    await caller.world.user()
    await caller.world.set_enabled("alice", enabled=False)
    issued = await issue(caller, (await password(caller)).ticket)
    assert (issued.action, issued.accessToken) == (TokenIssueAction.INTERNAL_SERVER_ERROR, None)


async def test_an_assertion_of_a_trusted_issuer_is_verified_here(caller: Backend) -> None:
    """Where we know who vouches, the caller need not ask."""
    world = caller.world
    await world.client(grant_types=(JWT_BEARER,))
    await trusts.add_trust(world.issuer, TrustInput.read({"issuer": "https://ci.example.com", "jwks": JWKS}))
    good = Signer().sign(iss="https://ci.example.com", sub="alice")
    response = await ask(caller, grant_type=JWT_BEARER, assertion=good)
    assert (response.action, response.subject) == (TokenAction.OK, "alice")
    assert response.grantType is SdkGrantType.JWT_BEARER
    again = await ask(caller, grant_type=JWT_BEARER, assertion=good)
    assert (again.action, error_in(again)) == (TokenAction.BAD_REQUEST, "invalid_grant")
    forged = good[:-8] + "AAAAAAAA"
    response = await ask(caller, grant_type=JWT_BEARER, assertion=forged)
    assert (response.action, error_in(response)) == (TokenAction.BAD_REQUEST, "invalid_grant")


async def test_an_assertion_of_somebody_else_is_the_callers_to_verify(caller: Backend) -> None:
    """JWT_BEARER: the caller verifies the signature, and creates a token; no token comes from us."""
    await caller.world.client(grant_types=(JWT_BEARER,))
    assertion = Signer().sign(iss="https://partner.example.com", sub="alice")
    response = await ask(caller, grant_type=JWT_BEARER, assertion=assertion, scope="read")
    assert (response.action, response.assertion, response.scopes) == (TokenAction.JWT_BEARER, assertion, ["read"])
    assert (response.accessToken, response.responseContent, response.clientIdAlias) == (None, None, "app")


@pytest.mark.parametrize(
    "claims", [{"exp": 1}, {"aud": "https://other.example"}, {"exp": None}, {"sub": None}, {"exp": 4_000_000_000}]
)
async def test_what_is_wrong_with_an_assertion_whoever_made_it(caller: Backend, claims: dict[str, Any]) -> None:
    await caller.world.client(grant_types=(JWT_BEARER,))
    assertion = Signer().sign(**{"iss": "https://partner.example.com", "sub": "alice", **claims})
    response = await ask(caller, grant_type=JWT_BEARER, assertion=assertion)
    assert (response.action, error_in(response)) == (TokenAction.BAD_REQUEST, "invalid_grant")


async def test_an_issuer_that_is_trusted_for_others_only_is_refused(caller: Backend) -> None:
    """An operator's word is not for the caller to overrule."""
    world = caller.world
    await world.client(grant_types=(JWT_BEARER,))
    await world.client("other", grant_types=(JWT_BEARER,))
    trust = {"issuer": "https://ci.example.com", "jwks": JWKS, "clients": ["other"]}
    await trusts.add_trust(world.issuer, TrustInput.read(trust))
    assertion = Signer().sign(iss="https://ci.example.com", sub="alice")
    response = await ask(caller, grant_type=JWT_BEARER, assertion=assertion)
    assert (response.action, error_in(response)) == (TokenAction.BAD_REQUEST, "invalid_grant")


EXCHANGE = GrantTypeName.TOKEN_EXCHANGE.value
TYPE = "urn:ietf:params:oauth:token-type:"


async def exchange(caller: Backend, **form: Any) -> TokenResponse:
    usual: dict[str, Any] = {"grant_type": EXCHANGE, "subject_token": "a.b.c", "subject_token_type": TYPE + "jwt"}
    return await ask(caller, **{name: value for name, value in (usual | form).items() if value})


async def test_a_token_exchange_is_the_callers_to_decide(caller: Backend) -> None:
    """TOKEN_EXCHANGE: what an access token of ours is, is told; no token comes from us (RFC 8693)."""
    client = await caller.world.client(grant_types=("authorization_code", EXCHANGE))
    token = (await caller.world.tokens(client))["access_token"]
    actor = {"actor_token": "d.e.f", "actor_token_type": TYPE + "id_token"}
    response = await exchange(
        caller, subject_token=token, subject_token_type=TYPE + "access_token", audience="till", scope="read", **actor
    )
    assert response.action is TokenAction.TOKEN_EXCHANGE, response.responseContent
    assert (response.subjectToken, response.subjectTokenType.name) == (token, "ACCESS_TOKEN")
    assert (response.subjectTokenInfo.subject, response.subjectTokenInfo.clientIdAlias) == ("alice", "app")
    assert (response.actorToken, response.actorTokenType.name) == ("d.e.f", "ID_TOKEN")
    assert (response.audiences, response.scopes) == (["till"], ["read"])
    assert (response.grantType, response.accessToken) == (SdkGrantType.TOKEN_EXCHANGE, None)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"subject_token": ""}, "invalid_request"),
        ({"subject_token_type": ""}, "invalid_request"),
        ({"subject_token_type": "banana"}, "invalid_request"),
        ({"subject_token_type": TYPE + "access_token"}, "invalid_request"),
        ({"actor_token": "x"}, "invalid_request"),
        ({"actor_token_type": TYPE + "jwt"}, "invalid_request"),
        ({"requested_token_type": "banana"}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"resource": "https://other.example"}, "invalid_target"),
    ],
)
async def test_a_token_exchange_that_is_refused(caller: Backend, form: dict[str, Any], error: str) -> None:
    await caller.world.client(grant_types=(EXCHANGE,))
    response = await exchange(caller, **form)
    assert (response.action, error_in(response)) == (TokenAction.BAD_REQUEST, error)


async def test_a_client_that_may_not_exchange(caller: Backend) -> None:
    await caller.world.client()
    assert error_in(await exchange(caller)) == "unauthorized_client"
    await caller.world.client("exchanger", grant_types=(EXCHANGE,))
    response = await caller.world.token("exchanger", grant_type=EXCHANGE, subject_token="x")
    assert (await response.json())["error"] == "unsupported_grant_type", "not at our own token endpoint"


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
    impatient = settings_for(world.redis.url, redis_timeout=0.1)
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
