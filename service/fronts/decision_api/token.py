"""/auth/token, /issue and /fail: a token request answered, or handed to the caller who knows the person."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import orjson
from pydantic import Field

from service import assertions
from service.access_tokens import presented
from service.admin.input import Identifier
from service.client_auth import AuthenticatedClient, authenticate
from service.endpoints import token as endpoint
from service.fronts.decision_api import tickets, token_exchange
from service.fronts.decision_api.answering import Answer, CallError, milliseconds
from service.fronts.decision_api.body import Body, PropertiesBody, PropertyBody, Text, property_json
from service.fronts.decision_api.client_json import enum_name
from service.fronts.decision_api.client_request import ClientRequestBody, method_name, refused, request_of
from service.fronts.decision_api.naming import client_members
from service.fronts.decision_api.people import PasswordError, with_callers_people
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.route import Call, Route
from service.fronts.decision_api.tickets import TicketError
from service.grants import GRANT_TYPES
from service.grants.fresh import fresh_authorization
from service.grants.jwt_bearer import UntrustedIssuer
from service.issuer import Issuer
from service.issuing import Authorization, Issued
from service.issuing import issue as mint
from service.protocol.credentials import parse
from service.protocol.decision import refuse
from service.protocol.errors import InvalidGrant, InvalidTarget, ProtocolError, ServerError, TemporarilyUnavailable
from service.protocol.names import GrantTypeName
from service.protocol.request import Request
from service.records.client import Client
from service.records.decision_ticket import DecisionTicket, PasswordRequest
from service.records.property import Property
from service.signing.jws import UnverifiableError

Duration = Annotated[int, Field(ge=0, le=2_147_483_647)]
"""Seconds, 0 = the client's."""


class TokenBody(ClientRequestBody):
    """``properties`` and ``access_token_duration``: what the caller adds to the access token."""

    properties: PropertiesBody = ()
    access_token_duration: Duration = 0
    access_token: Text = ""
    jwt_at_claims: Text = ""


async def token(call: Call, body: TokenBody) -> Answer:
    """A token request, whatever its grant type (AU-01 to AU-33)."""
    _check_supported(body)
    try:
        request = request_of(call, body, call.issuer.settings.token_paths[0])
        name = request.required("grant_type")
        authenticated = await authenticate(call.issuer, request)
    except ProtocolError as error:
        return refused(error)
    return await _of_client(call, body, request, name, authenticated)


async def _of_client(
    call: Call, body: TokenBody, request: Request, name: str, authenticated: AuthenticatedClient
) -> Answer:
    issuer, client = call.issuer, authenticated.client
    named = client.alias if authenticated.alias_used and client.alias else client.client_id
    members = await client_members(issuer, client, named) | {"clientAuthMethod": method_name(client)}
    known = name in GRANT_TYPES or name == GrantTypeName.TOKEN_EXCHANGE
    if known:
        members["grantType"] = enum_name(name)
    facts = {"client_id": client.client_id, "grant_type": name if known else "unknown"}
    if name == GrantTypeName.TOKEN_EXCHANGE:
        return await token_exchange.checked(issuer, authenticated, request, Answer(members=members, facts=facts))
    added = tuple(member.record() for member in body.properties)

    def amended(authorization: Authorization) -> Authorization:
        return _amended(authorization, added, body.access_token_duration)

    try:
        decision = await endpoint.answer_client(
            with_callers_people(issuer), request, authenticated, GRANT_TYPES.get(name), name, amended
        )
    except PasswordError as asked:
        return await _password(
            call, body, request, client, named, asked, Answer(ResultCode.PASSWORD, members, facts=facts)
        )
    except UntrustedIssuer as stranger:
        return _jwt_bearer(issuer, client, request, stranger, Answer(ResultCode.JWT_BEARER, members, facts=facts))
    except ProtocolError as error:
        issuer.metrics.token_request(str(facts["grant_type"]), error.error)
        return refused(error, facts, **members)
    issuer.metrics.token_request(name, "ok")
    issued = decision.issued
    if not isinstance(issued, Issued):
        raise TypeError("the token endpoint always says what it issued")
    members |= await _issued_members(issuer, client, issued, added)
    members["resources"] = list(request.resources) or None
    return _ok(issued, members, facts)


def _check_supported(body: Any) -> None:
    if asked := [name for name in ("access_token", "jwt_at_claims") if getattr(body, name)]:
        raise CallError(ResultCode.UNSUPPORTED, ", ".join(asked))


def _amended(authorization: Authorization, added: tuple[Property, ...], lifetime: int) -> Authorization:
    """With what the caller adds: to the grant where it begins here, else to this access token."""
    if authorization.spends is None and added:
        grant = msgspec.structs.replace(authorization.grant, properties=authorization.grant.properties + added)
        authorization = msgspec.structs.replace(authorization, grant=grant)
        added = ()
    changed: Authorization = msgspec.structs.replace(authorization, lifetime=lifetime, properties=added)
    return changed


# what the caller is asked


async def _password(
    call: Call,
    body: TokenBody,
    request: Request,
    client: Client,
    named: str,
    asked: PasswordError,
    answer: Answer,
) -> Answer:
    """Username and password for the caller to check (AU-07, AU-31, AU-32); they wait nowhere, only the request does."""
    waiting = DecisionTicket(
        *(call.api_key, client.client_id, named, client.generation),
        password=PasswordRequest(
            username=asked.username,
            scope=request.parameters.get("scope"),
            resources=request.resources,
            properties=tuple(member.record() for member in body.properties),
            lifetime=body.access_token_duration,
        ),
    )
    allowed = fresh_authorization(
        call.issuer, client, GrantTypeName.PASSWORD, request.parameters.get("scope"), request.resources
    )
    told = {
        "ticket": await tickets.give(call, waiting),
        "username": asked.username,
        "password": asked.password,
        "scopes": allowed.scope.split(),
    }
    return answer._replace(action="PASSWORD", members={**answer.members, **told})


def _jwt_bearer(issuer: Issuer, client: Client, request: Request, stranger: UntrustedIssuer, answer: Answer) -> Answer:
    """An assertion by somebody whom we do not know: what can be seen without a key is checked, the rest is the caller's.

    Where its issuer is trusted here, or is the client itself and vouches, it is verified here and never comes to this.
    """
    try:
        assertions.look_at(issuer, stranger.told, assertions.audiences(issuer, request))
        allowed = fresh_authorization(
            issuer, client, GrantTypeName.JWT_BEARER, request.parameters.get("scope"), request.resources
        )
    except UnverifiableError as error:
        return refused(InvalidGrant(f"The assertion cannot be used: {error}"), answer.facts, **answer.members)
    except ProtocolError as error:
        return refused(error, answer.facts, **answer.members)
    told = {
        "assertion": request.parameters["assertion"],
        "scopes": allowed.scope.split(),
        "resources": list(request.resources) or None,
    }
    return answer._replace(action="JWT_BEARER", members={**answer.members, **told})


# how it went


class IssueBody(Body):
    """``subject``: who it was, as the caller knows them."""

    ticket: Text
    subject: Identifier
    properties: PropertiesBody = ()
    access_token_duration: Duration = 0
    access_token: Text = ""
    jwt_at_claims: Text = ""


async def issue(call: Call, body: IssueBody) -> Answer:
    """The password was right: tokens, once (AU-08)."""
    _check_supported(body)
    issuer = with_callers_people(call.issuer)
    try:
        waiting = await tickets.look_up(call, body.ticket)
        asked = tickets.password_of(waiting)
        client = await tickets.client_of(call, waiting)
        await tickets.use(call, body.ticket, waiting)
    except TicketError:
        return _bad_ticket()
    added = asked.properties + _further(body.properties, asked.properties)
    members = await client_members(issuer, client, waiting.presented)
    facts = {"client_id": client.client_id, "grant_type": "password", "subject": body.subject}
    try:
        begun = fresh_authorization(
            *(issuer, client, GrantTypeName.PASSWORD, asked.scope, asked.resources, body.subject, asked.username)
        )
        amended = _amended(begun, added, body.access_token_duration or asked.lifetime)
        issued = await mint(issuer, client, amended)
    except TemporarilyUnavailable:
        raise
    except (
        ProtocolError
    ) as error:  # the person is disabled here, or the client was changed: nothing for the caller to do
        issuer.metrics.token_request("password", error.error)
        content = refuse(error).content.decode()
        return Answer(ResultCode.REFUSED, {**members, "responseContent": content}, "INTERNAL_SERVER_ERROR", facts=facts)
    issuer.metrics.token_request("password", "ok")
    return _ok(issued, members | await _issued_members(issuer, client, issued, ()), facts)


def _further(given: tuple[PropertyBody, ...], before: tuple[Property, ...]) -> tuple[Property, ...]:
    """Those that were not given with the request already: authlete-django sends the same ones twice."""
    known = {member.name for member in before}
    return tuple(member.record() for member in given if member.key not in known)


_REASONS: dict[str, ProtocolError] = {
    "UNKNOWN": ServerError("The request failed."),
    "INVALID_RESOURCE_OWNER_CREDENTIALS": InvalidGrant("The username or password is wrong."),
    "INVALID_TARGET": InvalidTarget("The resource is not allowed."),
}
"""Wrong credentials of a person are invalid_grant (RFC 6749 section 5.2), where Authlete says invalid_request."""


class FailBody(Body):
    ticket: Text
    reason: str = "UNKNOWN"


async def fail(call: Call, body: FailBody) -> Answer:
    """The password was wrong, or something else was: an error for the client, once (AU-09)."""
    error = _REASONS.get(body.reason)
    if error is None:
        raise CallError(ResultCode.MALFORMED, f"reason: must be one of {', '.join(_REASONS)}.")
    try:
        waiting = await tickets.look_up(call, body.ticket)
        tickets.password_of(waiting)
        await tickets.use(call, body.ticket, waiting)
    except TicketError:
        return _bad_ticket()
    call.issuer.metrics.token_request("password", error.error)
    action = "INTERNAL_SERVER_ERROR" if error.status >= 500 else "BAD_REQUEST"
    facts = {"client_id": waiting.client_id, "grant_type": "password", "error": error.error, "reason": body.reason}
    members = {"responseContent": refuse(error).content.decode()}
    return Answer(ResultCode.TOKEN_FAILED, members, action, facts=facts)


def _bad_ticket() -> Answer:
    """Authlete's actions have no word of its own for it: the caller's request was wrong."""
    content = refuse(ServerError("The ticket cannot be used.")).content.decode()
    return Answer(ResultCode.INVALID_TICKET, {"responseContent": content}, "INTERNAL_SERVER_ERROR")


# what was issued


def _ok(issued: Issued, members: Mapping[str, Any], facts: Mapping[str, Any]) -> Answer:
    known = {"subject": issued.grant.subject, "scope": issued.grant.scope, "repeated": issued.repeated or None}
    told = {**members, "responseContent": issued.content.decode()}
    return Answer(ResultCode.TOKEN_ISSUED, told, "OK", facts={**facts, **known})


async def _issued_members(
    issuer: Issuer, client: Client, issued: Issued, added: tuple[Property, ...]
) -> dict[str, Any]:
    """AU-16 to AU-30, from the response itself: so a response that is given a second time says the same (P2)."""
    body, grant, now = orjson.loads(issued.content), issued.grant, int(issuer.clock())
    access_ends, refresh_ends = issued.access_token_ends_at, issued.refresh_token_ends_at
    if issued.repeated:
        access_ends, refresh_ends = await _ends_of(issuer, body)
    refresh = body.get("refresh_token")
    access = body["access_token"]
    is_jwt = access.count(".") == 2
    properties = (*client.properties, *grant.properties, *added)
    return {
        "accessToken": access,
        "accessTokenDuration": body["expires_in"],
        "accessTokenExpiresAt": milliseconds(access_ends),
        "refreshToken": refresh,
        "refreshTokenDuration": refresh_ends - now if refresh and refresh_ends else 0,
        "refreshTokenExpiresAt": milliseconds(refresh_ends) if refresh else 0,
        "idToken": body.get("id_token"),
        "jwtAccessToken": body.get("access_token_jwt") or (access if is_jwt else None),
        "subject": grant.subject or None,
        "scopes": body.get("scope", "").split(),
        "refreshTokenScopes": grant.scope.split() if refresh else None,
        "properties": [property_json(member) for member in properties] or None,
        "accessTokenResources": list(issued.audience or grant.audience) or None,
        "previousRefreshTokenUsed": issued.repeated,
    }


async def _ends_of(issuer: Issuer, body: Mapping[str, Any]) -> tuple[int, int]:
    """When the tokens of a repeated response end, by the only clocks there are (P4); 0 for what has ended meanwhile."""
    tokens = issuer.store.tokens
    access, refresh = (await presented(issuer, body["access_token"])).credential, parse(body.get("refresh_token", ""))
    opened = await tokens.open_by_token(access) if access else None
    kept = await tokens.open_by_refresh(refresh, with_end=True) if refresh else None
    return opened.ends_at if opened else 0, (kept.ends_at or 0) if kept else 0


ROUTES = (
    Route("/auth/token", token, TokenBody),
    Route("/auth/token/issue", issue, IssueBody),
    Route("/auth/token/fail", fail, FailBody),
)
