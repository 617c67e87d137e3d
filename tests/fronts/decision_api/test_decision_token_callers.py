"""Token requests that the caller decides: passwords, assertions of its own issuers, token exchange."""

import json
import logging
from typing import Any

import pytest
from authlete.dto import (
    TokenAction,
    TokenFailAction,
    TokenFailReason,
    TokenFailRequest,
    TokenFailResponse,
    TokenIssueAction,
    TokenIssueRequest,
    TokenIssueResponse,
    TokenResponse,
)
from authlete.types import GrantType as SdkGrantType

from service.admin import trusts
from service.admin.trusts import TrustInput
from service.fronts.decision_api import ROUTES
from service.protocol.names import GrantTypeName
from tests.assertions import JWKS, Signer
from tests.deciding import OTHER_KEY, OTHER_SECRET, Backend
from tests.fronts.decision_api.token_calls import JWT_BEARER, ask, error_in, password, prop
from tests.world import World


async def issue(caller: Backend, ticket: str, sdk: Any = None, **members: Any) -> TokenIssueResponse:
    request = TokenIssueRequest()
    for name, value in {"ticket": ticket, "subject": "alice", **members}.items():
        setattr(request, name, value)
    return await caller.ask("tokenIssue", request, sdk=sdk)


async def fail(caller: Backend, ticket: str, reason: TokenFailReason, sdk: Any = None) -> TokenFailResponse:
    request = TokenFailRequest()
    request.ticket, request.reason = ticket, reason
    return await caller.ask("tokenFail", request, sdk=sdk)


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
    "change",
    [
        {"grant_types": ("client_credentials",)},
        {"dpop_bound_access_tokens": True},
        {"tls_client_certificate_bound_access_tokens": True},
    ],
)
async def test_what_an_operator_took_meanwhile_counts(caller: Backend, change: dict[str, Any]) -> None:
    """The ticket waits for up to a quarter of an hour."""
    client = await caller.world.client()
    asked = await password(caller)
    await caller.world.change(client, **change)
    refused = await issue(caller, asked.ticket)
    assert (refused.accessToken, error_in(refused)) == (None, "unauthorized_client")


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


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client", "invalid_scope", "invalid_target"])
async def test_why_else_a_request_fails(caller: Backend, error: str) -> None:
    """Authlete tier 2, /auth/token/fail: every reason, though its SDK for Python knows three; the actions are two."""
    await caller.world.client()
    ticket = (await password(caller)).ticket
    failed = await caller.answer("/auth/token/fail", ticket=ticket, reason=error.upper())
    assert (failed["action"], json.loads(failed["responseContent"])["error"]) == ("BAD_REQUEST", error)


async def test_what_a_caller_may_answer_with_is_in_the_reference() -> None:
    """Reasons and results; another word is refused before the ticket is used."""
    words = {
        (route.path, name): set(route.body.model_json_schema()["properties"][name]["enum"])
        for route in ROUTES
        for name in ("reason", "result")
        if name in route.body.model_fields
    }
    assert len(words) == 5
    assert {"UNKNOWN", "INVALID_CLIENT", "INVALID_SCOPE"} <= words["/auth/token/fail", "reason"]
    assert words["/device/complete", "result"] == {"AUTHORIZED", "ACCESS_DENIED", "TRANSACTION_FAILED"}


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
    assert (await response.json())["error"] == "invalid_request", "our own token endpoint looks at the token itself"
