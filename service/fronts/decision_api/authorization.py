"""/auth/authorization, /issue and /fail: an authorization request understood, then answered as the caller says."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Annotated, Any

import msgspec
import orjson
from pydantic import AfterValidator, Field

from service.admin.input import Identifier, readable
from service.asking import asked_scopes, begun_grant, expected_subject, hand_out, stands, verified_of
from service.endpoints.authorize import RefusedError, Understood, understood
from service.endpoints.request_object import Parameters
from service.fronts.decision_api import tickets
from service.fronts.decision_api.answering import Answer, CallError, milliseconds
from service.fronts.decision_api.body import Body, JsonObject, PropertiesBody, Text, Words
from service.fronts.decision_api.client_json import describe
from service.fronts.decision_api.naming import client_members
from service.fronts.decision_api.people import with_callers_people
from service.fronts.decision_api.result_codes import ResultCode, of_error
from service.fronts.decision_api.route import Call, Route
from service.fronts.decision_api.tickets import TicketError
from service.id_tokens import subject_for
from service.issuer import Issuer
from service.issuing import Answer as Issued
from service.protocol import claims
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.authorization_response import deliver
from service.protocol.browsing import FormPost, Redirect
from service.protocol.decision import refuse
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
from service.protocol.names import OPENID, Prompt
from service.protocol.request import parse_form
from service.records.client import Client
from service.records.decision_ticket import DecisionTicket
from service.records.grant import Grant

_CLOCKS = 60
"""Seconds by which a caller's clock may be ahead of ours."""

# the request


class AuthorizationBody(Body):
    """``parameters``: the query, or the form, as the caller got it."""

    parameters: Text = ""


async def authorization(call: Call, body: AuthorizationBody) -> Answer:
    """Check an authorization request; the caller's pages do the rest (AU-01)."""
    issuer = call.issuer
    try:
        form = parse_form(body.parameters.encode())
        asked = await understood(issuer, Parameters(form.parameters, form.resources), asked_elsewhere=True)
    except RefusedError as refused:
        return _sent(refused.deliver(issuer), of_error(refused.error.error), {"client_id": refused.client.client_id})
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        return _bad_request(error)
    client, request = asked.client, asked.request
    presented = form.parameters.get("client_id", "")
    try:
        expects = await expected_subject(issuer, client, request)
    except InvalidRequest as error:
        return _back(issuer, client, request, error)
    waiting = DecisionTicket(
        call.api_key, client.client_id, presented, client.generation, expects=expects, authorization=request
    )
    silent = Prompt.NONE in request.prompt
    members = await _described(issuer, asked, presented, expects) | {"ticket": await tickets.give(call, waiting)}
    action, result = ("INTERACTION", ResultCode.INTERACTION)
    if silent:
        action, result = ("NO_INTERACTION", ResultCode.NO_INTERACTION)
    return Answer(result, members, action, facts={"client_id": client.client_id, "scope": request.scope})


async def _described(issuer: Issuer, asked: Understood, presented: str, expects: str) -> dict[str, Any]:
    """What the caller needs to know to ask the person."""
    client, request, single = asked.client, asked.request, asked.parameters.single
    described, default = issuer.settings.scopes, (client.default_scope or issuer.settings.default_scope).split()
    acr = request.claims.id_token.get("acr")
    acrs = [value for value in acr.values if isinstance(value, str)] if acr else []
    names = await client_members(issuer, client, presented)
    return {
        "service": {"serviceName": issuer.settings.service_name, "issuer": issuer.url},
        "client": await describe(issuer, client),
        "clientIdAliasUsed": names["clientIdAliasUsed"],
        "display": request.display.upper(),
        # 0 means "no limit" on this wire: a client that wants the person to sign in now says so by 1
        "maxAge": None if request.max_age is None else max(1, request.max_age),
        "scopes": [
            {"name": name, "description": described.get(name), "defaultEntry": name in default}
            for name in asked_scopes(issuer, client, request)
        ],
        "uiLocales": list(request.ui_locales) or None,
        "claimsLocales": single.get("claims_locales", "").split() or None,
        "claims": sorted(_for_id_token(issuer, request)) or None,
        "claimsAtUserInfo": sorted(_for_userinfo(issuer, request)) or None,
        "idTokenClaims": _raw_claims(single, "id_token"),
        "userInfoClaims": _raw_claims(single, "userinfo"),
        "acrEssential": bool(acr and acr.essential),
        "acrs": acrs or list(request.acr_values) or None,
        "subject": expects or None,
        "loginHint": request.login_hint,
        "prompts": [prompt.name for prompt in request.prompt] or None,
        "requestObjectPayload": asked.parameters.payload or None,
        "resources": list(request.audience) or None,
    }


def _for_id_token(issuer: Issuer, request: AuthorizationRequest) -> set[str]:
    """Claims for the ID token: asked for there, or by scopes where there will be no UserInfo (OpenID Connect Core 5.4)."""
    alone = request.response_type.parts == {"id_token"}
    by_scope = claims.told_by_scopes(request.scopes, issuer.settings.scope_claims) if alone else set()
    return (set(request.claims.id_token) | by_scope) - claims.OURS


def _for_userinfo(issuer: Issuer, request: AuthorizationRequest) -> set[str]:
    if OPENID not in request.scopes or request.response_type.parts <= {"id_token"}:
        return set()
    by_scope = claims.told_by_scopes(request.scopes, issuer.settings.scope_claims)
    return (set(request.claims.userinfo) | by_scope) - claims.OURS


def _raw_claims(single: Mapping[str, str], part: str) -> str | None:
    """That part of the claims parameter, as JSON; it was checked before."""
    asked = orjson.loads(single.get("claims", "{}")).get(part)
    return orjson.dumps(asked).decode() if asked else None


# how it went: issue


class IssueBody(Body):
    """``auth_time``: epoch seconds, 0 = unknown; ``claims``: a JSON object as a text; ``scopes``: None = those that were asked
    for; ``access_token_duration``: seconds, 0 = the client's. What would change tokens in a way that we do not know is refused.
    """

    ticket: Text
    subject: Identifier
    sub: Identifier | None = None
    auth_time: Annotated[int, Field(ge=0, le=2**53)] = 0
    acr: Annotated[str, Field(max_length=255), AfterValidator(readable)] = ""
    claims: JsonObject = Field(default_factory=dict)
    properties: PropertiesBody = ()
    scopes: Words | None = None
    access_token_duration: Annotated[int, Field(ge=0, le=2_147_483_647)] = 0
    idt_header_params: Text = ""
    jwt_at_claims: Text = ""
    access_token: Text = ""
    authorization_details: Any = None

    def unsupported(self) -> list[str]:
        """The members that ask for what is not there."""
        asked = ("idt_header_params", "jwt_at_claims", "access_token", "authorization_details")
        return [name for name in asked if getattr(self, name)]


async def issue(call: Call, body: IssueBody) -> Answer:
    """The person agreed: codes and tokens for the client, once."""
    if unsupported := body.unsupported():
        raise CallError(ResultCode.UNSUPPORTED, ", ".join(unsupported))
    if body.auth_time > call.issuer.clock() + _CLOCKS:
        raise CallError(ResultCode.MALFORMED, "authTime: is in the future; it is in seconds, not milliseconds.")
    try:
        client, request, waiting = await _taken(call, body.ticket)
    except TicketError:
        return _bad_ticket()
    issuer = with_callers_people(call.issuer)
    try:
        _check_person(issuer, client, request, waiting, body)
        issued = await hand_out(
            *(issuer, client, request, _grant(issuer, client, request, body)),
            about=_about(body),
            lifetime=body.access_token_duration,
        )
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        return _back(issuer, client, request, error)
    issuer.metrics.request("authorize", "ok")
    members = _issued_members(issuer, issued)
    facts = {"client_id": client.client_id, "subject": body.subject, "grant_id": issued.grant_id}
    return _sent(
        deliver(issuer.url, verified_of(request), issued.fields), ResultCode.AUTHORIZATION_ISSUED, facts, members
    )


def _check_person(
    issuer: Issuer, client: Client, request: AuthorizationRequest, waiting: DecisionTicket, body: IssueBody
) -> None:
    """No tokens about somebody else than was named, and none where an essential acr is not met (Core 3.1.2.1, 5.5.1.1)."""
    known_as = body.sub or subject_for(issuer, client, body.subject)
    if waiting.expects and waiting.expects != known_as:
        raise LoginRequired("Somebody else signed in than the one who was named.")
    acr = request.claims.id_token.get("acr")
    if acr is not None and acr.essential and not acr.accepts(body.acr):
        raise UnmetAuthenticationRequirements("The authentication does not have the acr that is asked for.")


def _grant(issuer: Issuer, client: Client, request: AuthorizationRequest, body: IssueBody) -> Grant:
    """What the person allowed, in the caller's words; never more than the client may have."""
    scope = request.scope
    if body.scopes is not None:
        kept = [word for word in dict.fromkeys(body.scopes) if word in client.scopes]
        if (
            "id_token" in request.response_type.parts
        ):  # without openid there would be none (OpenID Connect Core 3.1.2.1)
            kept = [OPENID, *(word for word in kept if word != OPENID)]
        scope = " ".join(word for word in kept if word != OPENID or OPENID in request.scopes)
    allowed = claims.told_by_scopes(asked_scopes(issuer, client, request), issuer.settings.scope_claims)
    begun = begun_grant(issuer, client, request, body.subject)
    grant: Grant = msgspec.structs.replace(
        begun,
        scope=scope,
        auth_time=body.auth_time,
        acr=body.acr,
        properties=tuple(member.record() for member in body.properties),
        userinfo_claims=tuple(name for name in request.claims.userinfo if name in allowed),
        id_token_claims=_about(body),
        sub=body.sub if body.sub and body.sub != body.subject else "",
    )
    return grant


def _about(body: IssueBody) -> dict[str, Any]:
    """The claims that the caller wants in the ID token; none of those that are ours to make."""
    return claims.present(body.claims, {name.partition("#")[0] for name in body.claims})


def _issued_members(issuer: Issuer, issued: Issued) -> dict[str, Any]:
    fields = issued.fields
    lifetime = int(fields.get("expires_in", "0"))
    access = fields.get("access_token")
    return {
        "authorizationCode": fields.get("code"),
        "accessToken": access,
        "accessTokenDuration": lifetime,
        "accessTokenExpiresAt": milliseconds(int(issuer.clock()) + lifetime) if access else 0,
        "jwtAccessToken": access if access and access.count(".") == 2 else None,
        "idToken": fields.get("id_token"),
    }


# how it went: fail

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
"""As Authlete documents them; but SERVER_ERROR, there login_required by a slip, is server_error."""

_TEXTS = {
    "DENIED": "The user denied the request.",
    "NOT_LOGGED_IN": "Nobody has signed in.",
    "EXCEEDS_MAX_AGE": "The authentication is too old.",
    "DIFFERENT_SUBJECT": "Somebody else signed in than the one who was named.",
    "ACR_NOT_SATISFIED": "The authentication does not have the acr that is asked for.",
}


class FailBody(Body):
    """``description``: for the client, in the place of ours."""

    ticket: Text
    reason: str = "UNKNOWN"
    description: Annotated[str, Field(max_length=400)] = ""


async def fail(call: Call, body: FailBody) -> Answer:
    """The person did not agree, or could not: an error for the client, once."""
    make = _REASONS.get(body.reason)
    if make is None:
        raise CallError(ResultCode.MALFORMED, f"reason: must be one of {', '.join(_REASONS)}.")
    try:
        client, request, _ = await _taken(call, body.ticket)
    except TicketError:
        return _bad_ticket()
    error = make(body.description or _TEXTS.get(body.reason, ""))
    answer = _back(call.issuer, client, request, error)
    return answer._replace(result=ResultCode.AUTHORIZATION_FAILED, facts={**answer.facts, "reason": body.reason})


# how it is done


async def _taken(call: Call, ticket: str) -> tuple[Client, AuthorizationRequest, DecisionTicket]:
    """What waited under a ticket of /auth/authorization, which is used up now. Raises TicketError."""
    waiting = await tickets.look_up(call, ticket)
    request = waiting.authorization
    if request is None:
        raise TicketError
    client = await tickets.client_of(call, waiting)
    if not stands(client, waiting.client_generation, request):
        raise TicketError
    await tickets.use(call, ticket, waiting)
    return client, request, waiting


def _back(issuer: Issuer, client: Client, request: AuthorizationRequest, error: ProtocolError) -> Answer:
    """The error on its way to the client (RFC 6749 4.1.2.1)."""
    what = RefusedError(client, verified_of(request), error).deliver(issuer)
    return _sent(what, of_error(error.error), {"client_id": client.client_id, "error": error.error})


def _bad_request(error: ProtocolError) -> Answer:
    """An error that the client must not hear of: the caller tells the person."""
    content = refuse(error).content.decode()
    return Answer(of_error(error.error), {"responseContent": content}, "BAD_REQUEST", error.description)


def _bad_ticket() -> Answer:
    """As Authlete documents it: most likely the person took too long."""
    refused = refuse(InvalidRequest("The request has expired, or was answered already; please start again."))
    return Answer(ResultCode.INVALID_TICKET, {"responseContent": refused.content.decode()}, "BAD_REQUEST")


def _sent(
    what: Redirect | FormPost, result: ResultCode, facts: Mapping[str, Any], members: Mapping[str, Any] | None = None
) -> Answer:
    """LOCATION with the URL to redirect to, or FORM with a page that posts itself."""
    if isinstance(what, Redirect):
        return Answer(result, {**(members or {}), "responseContent": what.location}, "LOCATION", facts=facts)
    return Answer(result, {**(members or {}), "responseContent": _form(what)}, "FORM", facts=facts)


def _form(what: FormPost) -> str:
    """OAuth 2.0 Form Post Response Mode. The caller serves it: it needs nothing of ours, and without script has a button."""
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in what.fields.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Continue</title></head>'
        f'<body onload="document.forms[0].submit()"><form method="post" action="{escape(what.action)}">{inputs}'
        "<button>Continue</button></form></body></html>"
    )


ROUTES = (
    Route("/auth/authorization", authorization, AuthorizationBody),
    Route("/auth/authorization/issue", issue, IssueBody),
    Route("/auth/authorization/fail", fail, FailBody),
)
