"""/auth/introspection for the caller's own resource servers, and /standard with the RFC 7662 response for others."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import orjson
from pydantic import Field

from service.endpoints.introspect import describe, signed, wants_jwt
from service.fronts.decision_api.body import Text, Words, properties_json
from service.fronts.decision_api.call import Body, Call, CallResult, Route, milliseconds
from service.fronts.decision_api.client_json import client_members, enum_name
from service.fronts.decision_api.client_request import refused
from service.fronts.decision_api.details_json import details_json
from service.fronts.decision_api.presented_proofs import PresentedTokenBody, certificate_of, refused_proof
from service.fronts.decision_api.result_codes import ResultCode
from service.issuer import Issuer
from service.observe.current import note_client
from service.protocol.binding import UNBOUND, Binding
from service.protocol.errors import InvalidDpopProof, InvalidToken, UseDpopNonce, printable
from service.protocol.names import INTROSPECTION_MEMBERS, SigningAlgorithm
from service.protocol.request import Request, parse_form
from service.records.client import Client
from service.records.grant import Grant
from service.records.property import Property
from service.tokens import user_claims
from service.tokens.access_tokens import property_claims, resolve_token
from service.tokens.binding import Possession, check_algorithm
from service.tokens.opening import check_possession, open_access_token

# the caller's own resource servers


class IntrospectionBody(PresentedTokenBody):
    """The token, and the requirements that it must meet. ``htu`` names the resource."""

    scopes: Words = ()
    subject: Text = ""
    resources: Words = ()
    acr_values: Words = ()
    """The acr values of which the token must have one."""
    max_age: Annotated[int, Field(ge=0, le=2**53)] = 0
    """The most seconds since the authentication; 0: any."""


class _Token(NamedTuple):
    """A living access token."""

    client: Client
    grant: Grant
    scope: str
    audience: tuple[str, ...]
    ends_at: int
    """Epoch seconds."""
    properties: tuple[Property, ...]
    grant_id: str
    members: Mapping[str, Any] | None
    binding: Binding = UNBOUND


async def introspection(call: Call, body: IntrospectionBody) -> CallResult:
    """Answer whether an access token exists, may be used, and meets the requirements.

    ``responseContent`` is the challenge for the client that sent the token, for the header WWW-Authenticate.
    """
    if not body.token:
        return _lacking("BAD_REQUEST", ResultCode.TOKEN_MISSING, "invalid_request", "An access token is required.")
    try:
        token = await _opened(call.issuer, body.token, await certificate_of(call, body))
    except (InvalidDpopProof, UseDpopNonce) as error:
        return refused_proof(call, error)
    except InvalidToken as error:
        lacking = _lacking("UNAUTHORIZED", ResultCode.TOKEN_UNKNOWN, error.error, error.description)
        members = {"existent": False, "usable": False, "sufficient": False, "refreshable": False, **lacking.members}
        reason = error.log or error.description
        return lacking._replace(members=members, facts={**lacking.facts, "reason": reason})
    members = await _members(call.issuer, token)
    if unmet := _unmet(call.issuer, body, token):
        return unmet._replace(members={**members, **unmet.members, "sufficient": False})
    facts = {"client_id": token.client.client_id, "subject": token.grant.subject, "scope": token.scope}
    return CallResult(ResultCode.TOKEN_USABLE, members | {"sufficient": True}, "OK", facts=facts)


async def _opened(issuer: Issuer, text: str, possession: Possession | None) -> _Token:
    """Return a living access token of ours. Raises InvalidToken for anything else.

    ``possession`` is the sender's proof of possession, for a token that is bound to a key; None where the token is only read.
    """
    shown = await resolve_token(issuer, text)
    if shown.stateless is not None:
        return await _stateless(issuer, text, possession)
    opened, client = await open_access_token(issuer, text, possession)
    grant = opened.grant
    claims = user_claims.described(issuer, client, grant, opened.scope)
    about_user = tuple(Property(name, value, in_introspection=True) for name, value in claims.items())
    properties = (*client.properties, *grant.properties, *opened.record.properties, *about_user)
    grant_id = opened.credential.grant_id
    return _Token(
        client,
        grant,
        opened.scope,
        opened.audience,
        min(opened.ends_at, shown.jwt_ends_at) if shown.jwt_ends_at else opened.ends_at,
        properties,
        grant_id,
        opened.members,
        opened.record.binding,
    )


async def _stateless(issuer: Issuer, text: str, possession: Possession | None) -> _Token:
    """Return a JWT that is not stored, from its claims."""
    claims = await describe(issuer, None, text)
    client = await issuer.store.clients.get(claims["client_id"]) if claims else None
    if claims is None or client is None:
        raise InvalidToken(log="the token is no longer valid for its client")
    note_client(client.client_id)
    binding = Binding.of(claims.get("cnf", {}))
    await check_possession(binding, possession)
    if possession is not None:
        check_algorithm(issuer, client, possession)
    named = claims["aud"]
    grant = Grant(client.client_id, scope=claims.get("scope", ""), grant_type="client_credentials")
    audience = (named,) if isinstance(named, str) else tuple(named)
    hidden = (member for member in client.properties if not member.in_introspection)
    properties = (*hidden, *property_claims(claims))
    return _Token(client, grant, grant.scope, audience, claims["exp"], properties, "", claims, binding)


def _unmet(issuer: Issuer, body: IntrospectionBody, token: _Token) -> CallResult | None:
    """Return the answer for the first requirement that is not met (RFC 6750 section 3.1, RFC 8707, RFC 9470 section 3)."""
    grant, insufficient, again = token.grant, ResultCode.TOKEN_INSUFFICIENT, ResultCode.AUTHENTICATION_INSUFFICIENT
    if set(body.scopes) - set(token.scope.split()):
        scopes = " ".join(body.scopes)
        return _lacking("FORBIDDEN", insufficient, "insufficient_scope", "The token lacks a scope.", scope=scopes)
    if body.subject and body.subject != grant.subject:
        return _lacking("FORBIDDEN", insufficient, "invalid_request", "The token is about another user.")
    if not set(body.resources) <= set(token.audience):
        return _lacking("FORBIDDEN", insufficient, "invalid_target", "The token is not for this resource.")
    error = "insufficient_user_authentication"
    if body.acr_values and grant.acr not in body.acr_values:
        text, values = "A different authentication level is required.", " ".join(body.acr_values)
        return _lacking("UNAUTHORIZED", again, error, text, acr_values=values)
    if body.max_age and int(issuer.clock()) - grant.auth_time > body.max_age:
        text = "More recent authentication is required."
        return _lacking("UNAUTHORIZED", again, error, text, max_age=str(body.max_age))
    return None


def _lacking(action: str, result: ResultCode, error: str, description: str, **further: str) -> CallResult:
    """Return the answer for a token that is refused; ``further`` is added to the challenge (RFC 6750 section 3)."""
    parameters = {"error": error, "error_description": description, **further}
    challenge = "Bearer " + ", ".join(f'{name}="{printable(text)}"' for name, text in parameters.items())
    return CallResult(result, {"responseContent": challenge}, action, facts={"error": error, "reason": description})


async def _members(issuer: Issuer, token: _Token) -> dict[str, Any]:
    grant = token.grant
    refreshable = bool(token.grant_id) and await issuer.store.grants.can_refresh(token.grant_id)
    return await client_members(issuer, token.client) | {
        "existent": True,
        "usable": True,
        "refreshable": refreshable,
        "subject": grant.subject or None,
        "scopes": token.scope.split(),
        "expiresAt": milliseconds(token.ends_at),
        "properties": properties_json(token.properties),
        "accessTokenResources": list(token.audience) or None,
        "acr": grant.acr or None,
        "authTime": grant.auth_time,
        "grantType": enum_name(grant.grant_type),
        "grantId": token.grant_id or None,
        "authorizationDetails": details_json(token.members),
        "certificateThumbprint": token.binding.x5t_s256 or None,
    }


# other resource servers, which the caller has authenticated


class StandardBody(Body):
    """The introspection request of a resource server that the caller has authenticated."""

    parameters: Text = ""
    """The form as the caller received it."""
    with_hidden_properties: bool = False
    rs_uri: Text = ""
    """The resource server: the audience of a signed response."""
    http_accept_header: Text = ""
    introspection_sign_alg: SigningAlgorithm | None = None


async def standard(call: Call, body: StandardBody) -> CallResult:
    """Return the response of RFC 7662 section 2.2, or a signed one (RFC 9701), for an authenticated resource server."""
    issuer = call.issuer
    token = Request(parse_form(body.parameters.encode()).parameters).required("token")
    response = await describe(issuer, None, token) or {"active": False}
    if body.with_hidden_properties and response["active"]:
        response = await _hidden(issuer, token) | response
    facts = {"client_id": response.get("client_id"), "active": response["active"]}
    action, content = "OK", orjson.dumps(response).decode()
    if wants_jwt([body.http_accept_header]) and body.rs_uri and issuer.keyring is not None:
        action, content = "JWT", signed(issuer, body.rs_uri, body.introspection_sign_alg, response)
    return CallResult(ResultCode.INTROSPECTED, {"responseContent": content}, action, facts=facts)


async def _hidden(issuer: Issuer, text: str) -> dict[str, Any]:
    """Return all properties of an access token by name, except names of registered members of the response."""
    try:
        token = await _opened(issuer, text, None)
    except InvalidToken:  # a refresh token
        return {}
    return {member.name: member.value for member in token.properties if member.name not in INTROSPECTION_MEMBERS}


ROUTES = (
    Route("/auth/introspection", introspection, IntrospectionBody),
    Route("/auth/introspection/standard", standard, StandardBody, refused=refused),
)
