"""/auth/authorization/issue and /fail: the caller reports the decision of the user."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import AfterValidator, Field

from service.admin.audit import audited
from service.fronts.decision_api import tickets
from service.fronts.decision_api.body import NO_ID_TOKEN_HEADERS, AdditionsBody, JsonObject, Text, Words, one_of
from service.fronts.decision_api.call import Body, Call, CallError, CallResult, Route, milliseconds, response_content
from service.fronts.decision_api.callers_directory import with_callers_directory
from service.fronts.decision_api.details_json import OptionalDetails, read_details
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.sending import back, sent
from service.fronts.decision_api.tickets import TicketError
from service.issuer import Issuer
from service.login.consents import requested_scopes
from service.login.granting import begun_grant, verified_of
from service.login.tickets import may_still_ask
from service.protocol import claims
from service.protocol.authorization_details import NAME
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.checked_types import Identifier, readable
from service.protocol.errors import (
    AccessDenied,
    AccountSelectionRequired,
    ConsentRequired,
    InteractionRequired,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    LoginRequired,
    ProtocolError,
    ServerError,
    TemporarilyUnavailable,
    UnauthorizedClient,
    UnmetAuthenticationRequirements,
)
from service.protocol.names import OPENID
from service.records.client import Client
from service.records.decision_ticket import DecisionTicket
from service.records.grant import Grant
from service.tokens.authorization_response import AuthorizationResponse, answer_authorization
from service.tokens.ending import ended_unless_answered
from service.tokens.id_tokens import subject_for
from service.tokens.members import judge_members
from service.tokens.response_delivery import deliver

_CLOCKS = 60
"""The most seconds by which a caller's clock may be ahead of ours."""

# the user agreed


class IssueAuthorizationBody(AdditionsBody):
    """The permission of the user. Members that would change tokens in an unsupported way are refused."""

    ticket: Text
    subject: Identifier
    sub: Identifier | None = None
    auth_time: Annotated[int, Field(ge=0, le=2**53)] = 0
    """Epoch seconds; 0: unknown."""
    acr: Annotated[str, Field(max_length=255), AfterValidator(readable)] = ""
    claims: JsonObject = Field(default_factory=dict)
    scopes: Words | None = None
    """The scopes that the user allowed; left out: all requested ones."""
    idt_header_params: Text = ""
    authorization_details: OptionalDetails = None
    """The details that the user allowed; left out: all requested ones."""
    UNSUPPORTED: ClassVar[Mapping[str, str]] = {
        **AdditionsBody.UNSUPPORTED,
        "idt_header_params": NO_ID_TOKEN_HEADERS,
    }


async def issue(call: Call, body: IssueAuthorizationBody) -> CallResult:
    """Issue a code or tokens to the client after the user agreed; a ticket can be used once."""
    body.check_supported()
    if body.auth_time > call.issuer.clock() + _CLOCKS:
        raise CallError(ResultCode.MALFORMED, "authTime: is in the future; it is in seconds, not milliseconds.")
    client, request, waiting = await _waiting(call, body.ticket)
    async with tickets.used(call, body.ticket, waiting):
        return await _allowed(with_callers_directory(call.issuer), client, request, waiting, body)


async def _allowed(
    issuer: Issuer, client: Client, request: AuthorizationRequest, waiting: DecisionTicket, body: IssueAuthorizationBody
) -> CallResult:
    try:
        _check_person(issuer, client, request, waiting, body)
        response = await _answer(issuer, client, request, body)
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        return await back(issuer, client, request, error)
    async with ended_unless_answered(issuer, response.grant_id, body.subject):
        what = await deliver(issuer, client, verified_of(request), response.fields)
    issuer.metrics.request("authorize", "ok")
    facts = {"client_id": client.client_id, "subject": body.subject, "grant_id": response.grant_id}
    return sent(what, ResultCode.AUTHORIZATION_ISSUED, facts, _response_members(response))


@audited("authorization.issue", "client:client.client_id", "user:body.subject", often=True)
async def _answer(
    issuer: Issuer, client: Client, request: AuthorizationRequest, body: IssueAuthorizationBody
) -> AuthorizationResponse:
    grant = _grant(issuer, client, request, body)
    await judge_members(issuer, client, body.subject, grant.members)
    return await answer_authorization(issuer, client, grant, request, _about(body), body.access_token_duration)


def _check_person(
    issuer: Issuer, client: Client, request: AuthorizationRequest, waiting: DecisionTicket, body: IssueAuthorizationBody
) -> None:
    """Require the user and the essential acr of the request (OpenID Connect Core 3.1.2.1, 5.5.1.1). Raises ProtocolError."""
    known_as = body.sub or subject_for(issuer, client, body.subject)
    if waiting.expects not in {"", known_as} or not request.claims.accept_subject(known_as):
        raise LoginRequired("Another user signed in than the one who was named.")
    acr = request.claims.id_token.get("acr")
    if acr is not None and acr.essential and not acr.accepts(body.acr):
        raise UnmetAuthenticationRequirements("The authentication does not have the acr that is asked for.")


def _grant(issuer: Issuer, client: Client, request: AuthorizationRequest, body: IssueAuthorizationBody) -> Grant:
    """Return the grant for the permission that the caller reports, limited to what the client may have."""
    scope = request.scope
    if body.scopes is not None:
        kept = [word for word in dict.fromkeys(body.scopes) if word in client.scopes]
        if "id_token" in request.response_type.parts:  # an ID token needs openid (Core 3.1.2.1)
            kept = [OPENID, *(word for word in kept if word != OPENID)]
        scope = " ".join(word for word in kept if word != OPENID or OPENID in request.scopes)
    allowed = claims.claims_of_scopes(requested_scopes(issuer, client, request), issuer.settings.scope_claims)
    grant: Grant = msgspec.structs.replace(
        begun_grant(issuer, client, request, body.subject),
        scope=scope,
        auth_time=body.auth_time,
        acr=body.acr,
        properties=body.added(),
        userinfo_claims=tuple(name for name in request.claims.userinfo if name in allowed),
        id_token_claims=_about(body),
        sub=body.sub if body.sub and body.sub != body.subject else "",
        members=_members(issuer, client, request, body),
    )
    return grant


def _members(
    issuer: Issuer, client: Client, request: AuthorizationRequest, body: IssueAuthorizationBody
) -> dict[str, Any] | None:
    """Return the requested members, with authorization details as changed by the user (RFC 9396 section 7.1)."""
    if body.authorization_details is None:
        return request.members
    return (request.members or {}) | {NAME: read_details(issuer, client, body.authorization_details)}


def _about(body: IssueAuthorizationBody) -> dict[str, Any]:
    """Return the caller's claims for the ID token, without those that only we set."""
    return claims.present(body.claims, {name.partition("#")[0] for name in body.claims})


def _response_members(response: AuthorizationResponse) -> dict[str, Any]:
    fields = response.fields
    access = fields.get("access_token")
    return {
        "authorizationCode": fields.get("code"),
        "accessToken": access,
        "accessTokenDuration": int(fields.get("expires_in", "0")),
        "accessTokenExpiresAt": milliseconds(response.access_token_ends_at),
        "jwtAccessToken": access if access and access.count(".") == 2 else None,
        "idToken": fields.get("id_token"),
    }


# the user did not agree

_REASONS: dict[str, Callable[[str], ProtocolError]] = {
    "UNKNOWN": ServerError,
    "NOT_LOGGED_IN": LoginRequired,
    "MAX_AGE_NOT_SUPPORTED": LoginRequired,
    "EXCEEDS_MAX_AGE": LoginRequired,
    "DIFFERENT_SUBJECT": LoginRequired,
    "ACR_NOT_SATISFIED": LoginRequired,
    "DENIED": AccessDenied,
    "SERVER_ERROR": ServerError,
    "NOT_AUTHENTICATED": LoginRequired,
    "ACCOUNT_SELECTION_REQUIRED": AccountSelectionRequired,
    "CONSENT_REQUIRED": ConsentRequired,
    "INTERACTION_REQUIRED": InteractionRequired,
    "INVALID_TARGET": InvalidTarget,
    "INVALID_SCOPE": InvalidScope,
    "UNAUTHORIZED_CLIENT": UnauthorizedClient,
    "TEMPORARILY_UNAVAILABLE": TemporarilyUnavailable,
}
"""Authlete's reasons. SERVER_ERROR is server_error, though their documentation has login_required by mistake."""

_TEXTS = {
    "DENIED": "The user denied the request.",
    "NOT_LOGGED_IN": "Nobody has signed in.",
    "EXCEEDS_MAX_AGE": "The authentication is too old.",
    "DIFFERENT_SUBJECT": "Another user signed in than the one who was named.",
    "ACR_NOT_SATISFIED": "The authentication does not have the acr that is asked for.",
}


class FailAuthorizationBody(Body):
    """The reason why the user did not agree."""

    ticket: Text
    reason: Annotated[str, one_of(_REASONS)] = "UNKNOWN"
    description: Annotated[str, Field(max_length=400)] = ""
    """The description for the client, instead of ours."""


async def fail(call: Call, body: FailAuthorizationBody) -> CallResult:
    """Return the error for the client where the user did not agree; a ticket can be used once."""
    client, request, waiting = await _waiting(call, body.ticket)
    async with tickets.used(call, body.ticket, waiting):
        pass
    error = _REASONS[body.reason](body.description or _TEXTS.get(body.reason, ""))
    answer = await back(call.issuer, client, request, error)
    return answer._replace(result=ResultCode.AUTHORIZATION_FAILED, facts={**answer.facts, "reason": body.reason})


# shared steps


async def _waiting(call: Call, ticket: str) -> tuple[Client, AuthorizationRequest, DecisionTicket]:
    """Return the request under a ticket of /auth/authorization, with its client. Raises TicketError."""
    waiting = await tickets.look_up(call, ticket)
    request = waiting.authorization
    if request is None:
        raise TicketError
    client = await tickets.client_of(call, waiting)
    if not may_still_ask(call.issuer, client, waiting.client_generation, request):
        raise TicketError
    return client, request, waiting


_EXPIRED = InvalidRequest("The request has expired, or was answered already; please start again.")
_BAD_TICKET = CallResult(
    ResultCode.INVALID_TICKET,
    response_content(_EXPIRED),
    "BAD_REQUEST",
    facts={"error": _EXPIRED.error, "reason": _EXPIRED.description},
)
"""The answer that Authlete documents; most likely the user took too long."""
ROUTES = (
    Route("/auth/authorization/issue", issue, IssueAuthorizationBody, bad_ticket=_BAD_TICKET),
    Route("/auth/authorization/fail", fail, FailAuthorizationBody, bad_ticket=_BAD_TICKET),
)
