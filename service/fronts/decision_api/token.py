"""/auth/token: a token request is answered, or left to the caller, who knows the user or the issuer of an assertion."""

from typing import Any

from service.admin import audit
from service.client_auth import AuthenticatedClient, authenticate
from service.crypto.jws import UnverifiableError
from service.endpoints import token as endpoint
from service.fronts.decision_api import tickets
from service.fronts.decision_api.body import AdditionsBody, properties_json
from service.fronts.decision_api.call import NOTHING_KNOWN, Call, CallResult, Route, milliseconds
from service.fronts.decision_api.callers_directory import PasswordError, with_callers_directory
from service.fronts.decision_api.client_json import client_members, enum_name, method_name
from service.fronts.decision_api.client_request import ClientRequestBody, refused, request_of
from service.fronts.decision_api.issued import tokens_issued, with_additions
from service.fronts.decision_api.result_codes import ResultCode
from service.grants import GRANT_TYPES
from service.grants.beginning_grants import fresh_authorization
from service.grants.jwt_bearer import UntrustedIssuer
from service.issuer import Issuer
from service.observe.current import note_grant_type
from service.protocol.binding import Binding
from service.protocol.errors import InvalidGrant, InvalidRequest, ProtocolError, UnauthorizedClient
from service.protocol.names import GrantTypeName
from service.protocol.request import Request
from service.protocol.requested import Requested
from service.protocol.token_exchange import ExchangeRequest, TokenType
from service.records.client import Client
from service.records.decision_ticket import DecisionTicket, PasswordRequest
from service.store.replay_checks import confirm, under_way
from service.tokens import assertions
from service.tokens.authorization import Authorization, Issued
from service.tokens.binding import Possession, bound_by
from service.tokens.exchangeable_tokens import present_own


class TokenBody(ClientRequestBody, AdditionsBody):
    """A token request of any grant type."""


async def token(call: Call, body: TokenBody) -> CallResult:
    """Answer a token request (AU-01 to AU-33)."""
    body.check_supported()
    so_far = NOTHING_KNOWN
    try:
        request = request_of(call, body, call.issuer.settings.token_paths[0])
        name = request.required("grant_type")
        authenticated = await authenticate(call.issuer, request)
        so_far = await _known(call.issuer, authenticated, name)
        if name == GrantTypeName.TOKEN_EXCHANGE:
            return _for_caller(ResultCode.TOKEN_EXCHANGE, so_far, await _exchange(call.issuer, authenticated, request))
        return await _answered(call, body, request, authenticated, so_far)
    except ProtocolError as error:
        return refused(error, so_far)


async def _known(issuer: Issuer, authenticated: AuthenticatedClient, name: str) -> CallResult:
    """Return the members of every answer to this client; ``name`` is that of the grant type."""
    client = authenticated.client
    note_grant_type(name if name in GRANT_TYPES else "unknown")
    members = await client_members(issuer, client, _presented(authenticated)) | {
        "clientAuthMethod": method_name(client)
    }
    known = name in GRANT_TYPES
    if known:
        members["grantType"] = enum_name(name)
    return CallResult(
        members=members, facts={"client_id": client.client_id, "grant_type": name if known else "unknown"}
    )


def _presented(authenticated: AuthenticatedClient) -> str:
    """Return the name that the client used: its alias or its client_id."""
    client = authenticated.client
    return client.alias if authenticated.alias_used and client.alias else client.client_id


async def _answered(
    call: Call, body: TokenBody, request: Request, authenticated: AuthenticatedClient, so_far: CallResult
) -> CallResult:
    issuer, client, added = call.issuer, authenticated.client, body.added()
    name, label = request.parameters["grant_type"], so_far.facts["grant_type"]

    def extended(authorization: Authorization) -> Authorization:
        return with_additions(authorization, added, body.access_token_duration)

    possession = await _possession(issuer, authenticated, request)
    try:
        decision = await endpoint.answer_client(
            with_callers_directory(issuer), request, authenticated, GRANT_TYPES.get(name), name, extended, possession
        )
    except PasswordError as error:
        await confirm(possession.replay_checks)
        password = await _password(call, body, request, authenticated, error, possession.binding)
        return _for_caller(ResultCode.PASSWORD, so_far, password)
    except UntrustedIssuer as untrusted:
        await confirm(possession.replay_checks)
        members = _assertion(issuer, client, request, untrusted) | _to_bind_to(possession)
        return _for_caller(ResultCode.JWT_BEARER, so_far, members)
    except ProtocolError as error:
        issuer.metrics.token_request(label, error.error)
        raise
    issuer.metrics.token_request(label, "ok")
    issued = decision.issued
    if not isinstance(issued, Issued):
        raise TypeError("the token endpoint always says what it issued")
    audit.count_act(issuer, "token.issue", f"client:{client.client_id}")
    members = {**so_far.members, "resources": list(request.resources) or None}
    return await tokens_issued(issuer, client, issued, added, so_far._replace(members=members))


async def _possession(issuer: Issuer, authenticated: AuthenticatedClient, request: Request) -> Possession:
    """Return the keys that the client proved to possess, to which its tokens are bound. Raises ProtocolError."""
    try:
        return await bound_by(issuer, authenticated.client, request)
    except ProtocolError:
        await confirm(authenticated.replay_checks)
        raise


# requests that the caller has to check


def _to_bind_to(possession: Possession) -> dict[str, str]:
    """Return the thumbprints that the caller has to pass on to /auth/token/create."""
    binding = possession.binding
    members = {"dpopKeyThumbprint": binding.jkt, "certificateThumbprint": binding.x5t_s256}
    return {name: value for name, value in members.items() if value}


def _for_caller(result: ResultCode, so_far: CallResult, members: dict[str, Any]) -> CallResult:
    """Return an answer whose action has the name of its result."""
    return CallResult(result, {**so_far.members, **members}, result.name, facts=so_far.facts)


def _scopes(issuer: Issuer, client: Client, grant_type: GrantTypeName, request: Request) -> list[str]:
    """Return the scopes that a grant would have. Raises InvalidScope, InvalidTarget."""
    return fresh_authorization(issuer, client, grant_type, Requested.of(request)).granted.scope.split()


async def _password(
    call: Call,
    body: TokenBody,
    request: Request,
    authenticated: AuthenticatedClient,
    error: PasswordError,
    binding: Binding,
) -> dict[str, Any]:
    """Return username and password for the caller to check (AU-07, AU-31, AU-32). The password is not stored."""
    client = authenticated.client
    waiting = DecisionTicket(
        api_key=call.api_key,
        client_id=client.client_id,
        presented=_presented(authenticated),
        client_generation=client.generation,
        password=PasswordRequest(
            username=error.username,
            scope=request.parameters.get("scope"),
            resources=request.resources,
            properties=body.added(),
            lifetime=body.access_token_duration,
            binding=binding,
        ),
    )
    return {
        "scopes": _scopes(call.issuer, client, GrantTypeName.PASSWORD, request),
        "ticket": await tickets.give(call, waiting),
        "username": error.username,
        "password": error.password,
    }


def _assertion(issuer: Issuer, client: Client, request: Request, untrusted: UntrustedIssuer) -> dict[str, Any]:
    """Return an assertion of an issuer that is not trusted here, after the checks that need no key; the caller verifies it.

    Assertions of trusted issuers, or of clients that may assert subjects, are verified before and never get here.
    """
    try:
        assertions.check_unverified(issuer, untrusted.assertion, assertions.audiences(issuer, request))
    except UnverifiableError as error:
        raise InvalidGrant(f"The assertion cannot be used: {error}") from error
    return {
        "assertion": request.parameters["assertion"],
        "scopes": _scopes(issuer, client, GrantTypeName.JWT_BEARER, request),
        "resources": list(request.resources) or None,
    }


async def _exchange(issuer: Issuer, authenticated: AuthenticatedClient, request: Request) -> dict[str, Any]:
    """Return the description of a token exchange (RFC 8693), which the caller decides.

    Access tokens in the request must be living ones of ours; the caller verifies tokens of other types.
    """
    client = authenticated.client
    possession = await _possession(issuer, authenticated, request)
    await confirm(under_way((*authenticated.replay_checks, *possession.replay_checks)))
    if GrantTypeName.TOKEN_EXCHANGE not in client.grant_types:
        raise UnauthorizedClient("The client is not registered for token exchange.")
    exchange_request = ExchangeRequest.of(request)
    shown = possession.binding
    members = {
        "subjectToken": exchange_request.subject_token,
        "subjectTokenType": enum_name(exchange_request.subject_token_type),
        "subjectTokenInfo": await _info(
            issuer, "subject_token", exchange_request.subject_token, exchange_request.subject_token_type, shown
        ),
        "actorToken": exchange_request.actor_token or None,
        "requestedTokenType": enum_name(exchange_request.requested_token_type)
        if exchange_request.requested_token_type
        else None,
        "audiences": list(exchange_request.audiences) or None,
        "resources": list(exchange_request.resources) or None,
    }
    if exchange_request.actor_token_type is not None:
        members["actorTokenType"] = enum_name(exchange_request.actor_token_type)
        members["actorTokenInfo"] = await _info(
            issuer, "actor_token", exchange_request.actor_token, exchange_request.actor_token_type, shown
        )
    scopes = _scopes(issuer, client, GrantTypeName.TOKEN_EXCHANGE, request)
    await confirm(possession.replay_checks)
    return members | {"scopes": scopes} | _to_bind_to(possession)


async def _info(issuer: Issuer, name: str, text: str, token_type: TokenType, shown: Binding) -> dict[str, Any] | None:
    """Return the description of an access token of ours; None for a token that the caller has to verify.

    Raises InvalidRequest for one that has ended, is not ours, or is bound to a key that its sender does not possess (P9).
    """
    presented = await present_own(issuer, name, text, shown, reads_id_tokens=False)
    opened = presented.opened if presented is not None else None
    if token_type is not TokenType.ACCESS_TOKEN:
        return None
    if presented is None or presented.client is None or opened is None:
        raise InvalidRequest(f"{name} is not a living access token of this service.")
    client = presented.client
    return await client_members(issuer, client) | {
        "subject": opened.grant.subject or None,
        "scopes": [{"name": word} for word in opened.scope.split()],
        "expiresAt": milliseconds(opened.ends_at),
        "properties": properties_json(client.properties, opened.grant.properties, opened.record.properties),
        "resources": list(opened.audience) or None,
    }


ROUTES = (Route("/auth/token", token, TokenBody),)
