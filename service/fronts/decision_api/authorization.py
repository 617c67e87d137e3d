"""/auth/authorization: a validated request, described for the caller's pages."""

from collections.abc import Mapping
from typing import Any

import msgspec

from service.client_auth import note_claimed_client, unread_request
from service.fronts.decision_api import tickets
from service.fronts.decision_api.body import Text
from service.fronts.decision_api.call import Body, Call, CallResult, Route, max_age_member
from service.fronts.decision_api.client_json import client_members, describe
from service.fronts.decision_api.details_json import details_json
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.sending import back, bad_request, leads_to, refusal
from service.fronts.decision_api.services import number_of_key, scopes_json
from service.issuer import Issuer
from service.login.authorization_requests import (
    ENDPOINT,
    RefusedRequestError,
    ValidatedRequest,
    validate_authorization_request,
)
from service.login.client_display import decorations_of, name_of
from service.login.consents import requested_scopes
from service.login.expected_user import expected_subject
from service.login.request_object import Parameters
from service.protocol import claims
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.errors import InvalidRequest, LoginRequired
from service.protocol.names import OPENID, Prompt
from service.protocol.request import parse_form
from service.records.decision_ticket import DecisionTicket

_DECORATIONS = {"logo_uri": "logoUri", "client_uri": "clientUri", "policy_uri": "policyUri", "tos_uri": "tosUri"}


class AuthorizationBody(Body):
    """An authorization request."""

    parameters: Text = ""
    """The query or the form, as the caller received it."""


async def authorization(call: Call, body: AuthorizationBody) -> CallResult:
    """Check an authorization request; the caller's pages do the rest (AU-01)."""
    issuer = call.issuer
    try:
        form = parse_form(body.parameters.encode())
    except InvalidRequest as error:
        await note_claimed_client(issuer, unread_request(body.parameters.encode(), None))
        issuer.refusals.record(ENDPOINT, error)
        raise
    try:
        parameters = Parameters(form.parameters, form.resources)
        validated = await validate_authorization_request(issuer, parameters, by_backend=True)
    except RefusedRequestError as refused:
        return await refusal(issuer, refused)
    client, request = validated.client, validated.request
    presented = form.parameters.get("client_id", "")
    try:
        expects = await expected_subject(issuer, client, request)
    except InvalidRequest as error:
        return await back(issuer, client, request, error)
    silent = Prompt.NONE in request.prompt
    if silent and request.max_age == 0:
        return await back(issuer, client, request, LoginRequired("max_age=0 wants a login, prompt=none forbids one."))
    waiting = DecisionTicket(
        call.api_key,
        client.client_id,
        presented,
        client.generation,
        expects=expects,
        authorization=request,
        pushed=validated.parameters.reference,
    )
    members = await _described(call, validated, presented, expects) | {"ticket": await tickets.give(call, waiting)}
    result = ResultCode.NO_INTERACTION if silent else ResultCode.INTERACTION
    return CallResult(result, members, result.name, facts={"client_id": client.client_id, "scope": request.scope})


async def _described(call: Call, validated: ValidatedRequest, presented: str, expects: str) -> dict[str, Any]:
    """Return what the caller needs in order to ask the user."""
    issuer, client, request, single = call.issuer, validated.client, validated.request, validated.parameters.single
    acr = request.claims.id_token.get("acr")
    acrs = [value for value in acr.values if isinstance(value, str)] if acr else []
    prompts = dict.fromkeys((*([Prompt.LOGIN] if request.max_age == 0 else []), *request.prompt))  # Core 3.1.2.1
    return {
        "service": {
            "apiKey": number_of_key(call.api_key),
            "serviceName": issuer.settings.service_name,
            "issuer": issuer.url,
        },
        "client": await describe(issuer, client) | _shown(issuer, validated),
        "clientIdAliasUsed": (await client_members(issuer, client, presented))["clientIdAliasUsed"],
        "display": request.display.upper(),
        "maxAge": max_age_member(request.max_age),  # 0 is expressed by the prompt, too
        "scopes": scopes_json(issuer, client, requested_scopes(issuer, client, request)),
        "uiLocales": list(request.ui_locales) or None,
        "claimsLocales": single.get("claims_locales", "").split() or None,
        "claims": sorted(_for_id_token(issuer, request)) or None,
        "claimsAtUserInfo": sorted(_for_userinfo(issuer, request)) or None,
        "idTokenClaims": _raw_claims(request, single, "id_token"),
        "userInfoClaims": _raw_claims(request, single, "userinfo"),
        "acrEssential": bool(acr and acr.essential),
        "acrs": acrs or list(request.acr_values) or None,
        "subject": expects or None,
        "loginHint": request.login_hint,
        "prompts": [prompt.name for prompt in prompts] or None,
        "requestObjectPayload": validated.parameters.payload or None,
        "resources": list(request.audience) or None,
        "authorizationDetails": details_json(request.members),
        **leads_to(request.redirect_uri),
    }


def _shown(issuer: Issuer, validated: ValidatedRequest) -> dict[str, Any]:
    """Return what our own pages would show of the client, instead of its unverified metadata."""
    client = validated.client
    shown = decorations_of(client, validated.request.redirect_uri)
    return {
        "clientName": name_of(issuer.settings, client),
        **{_DECORATIONS[member]: uri or None for member, uri in shown.items()},
    }


def _for_id_token(issuer: Issuer, request: AuthorizationRequest) -> set[str]:
    """Return the requested claims of the ID token, also those by scope where UserInfo is not used (OpenID Connect Core 5.4)."""
    only_id_token = request.response_type.parts == {"id_token"}
    by_scope = claims.claims_of_scopes(request.scopes, issuer.settings.scope_claims) if only_id_token else set()
    return (set(request.claims.id_token) | by_scope) - claims.OURS


def _for_userinfo(issuer: Issuer, request: AuthorizationRequest) -> set[str]:
    if OPENID not in request.scopes or request.response_type.parts <= {"id_token"}:
        return set()
    by_scope = claims.claims_of_scopes(request.scopes, issuer.settings.scope_claims)
    return (set(request.claims.userinfo) | by_scope) - claims.OURS


def _raw_claims(request: AuthorizationRequest, single: Mapping[str, str], part: str) -> str | None:
    """Return a part of the claims parameter as JSON; None where it is absent, or the request is not OpenID Connect."""
    if not request.claims.names:
        return None
    requested = msgspec.json.decode(single["claims"]).get(part)
    return msgspec.json.encode(requested).decode() if requested else None


ROUTES = (Route("/auth/authorization", authorization, AuthorizationBody, refused=bad_request),)
