"""/auth/token: a token request answered, or handed to the caller, who knows the user."""

from service.admin import audit
from service.client_auth import AuthenticatedClient, authenticate
from service.crypto.jws import UnverifiableError
from service.endpoints import token as endpoint
from service.fronts.decision_api import tickets, token_exchange
from service.fronts.decision_api.answering import CallResult
from service.fronts.decision_api.body import PropertiesBody, Text
from service.fronts.decision_api.callers_directory import PasswordError, with_callers_directory
from service.fronts.decision_api.client_json import enum_name
from service.fronts.decision_api.client_request import ClientRequestBody, method_name, refused, request_of
from service.fronts.decision_api.issued import Duration, check_supported, issued_members, ok, with_additions
from service.fronts.decision_api.naming import client_members
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.route import Call, Route
from service.grants import GRANT_TYPES
from service.grants.fresh import fresh_authorization
from service.grants.jwt_bearer import UntrustedIssuer
from service.issuer import Issuer
from service.observe.current import note_grant_type
from service.protocol.errors import InvalidGrant, ProtocolError
from service.protocol.names import GrantTypeName
from service.protocol.request import Request
from service.protocol.requested import Requested
from service.records.client import Client
from service.records.decision_ticket import DecisionTicket, PasswordRequest
from service.tokens import assertions
from service.tokens.authorization import Authorization, Issued


class TokenBody(ClientRequestBody):
    """``properties`` and ``access_token_duration``: what the caller adds to the access token."""

    properties: PropertiesBody = ()
    access_token_duration: Duration = 0
    access_token: Text = ""
    jwt_at_claims: Text = ""


async def token(call: Call, body: TokenBody) -> CallResult:
    """A token request, whatever its grant type (AU-01 to AU-33)."""
    check_supported(body)
    try:
        request = request_of(call, body, call.issuer.settings.token_paths[0])
        name = request.required("grant_type")
        authenticated = await authenticate(call.issuer, request)
    except ProtocolError as error:
        return refused(error)
    return await _of_client(call, body, request, name, authenticated)


async def _of_client(
    call: Call, body: TokenBody, request: Request, name: str, authenticated: AuthenticatedClient
) -> CallResult:
    issuer, client = call.issuer, authenticated.client
    note_grant_type(name if name in GRANT_TYPES else "unknown")
    named = client.alias if authenticated.alias_used and client.alias else client.client_id
    members = await client_members(issuer, client, named) | {"clientAuthMethod": method_name(client)}
    known = name in GRANT_TYPES or name == GrantTypeName.TOKEN_EXCHANGE
    if known:
        members["grantType"] = enum_name(name)
    facts = {"client_id": client.client_id, "grant_type": name if known else "unknown"}
    if name == GrantTypeName.TOKEN_EXCHANGE:
        return await token_exchange.checked(issuer, authenticated, request, CallResult(members=members, facts=facts))
    added = tuple(member.record() for member in body.properties)

    def extended(authorization: Authorization) -> Authorization:
        return with_additions(authorization, added, body.access_token_duration)

    try:
        decision = await endpoint.answer_client(
            with_callers_directory(issuer), request, authenticated, GRANT_TYPES.get(name), name, extended
        )
    except PasswordError as error:
        return await _password(
            call, body, request, client, named, error, CallResult(ResultCode.PASSWORD, members, facts=facts)
        )
    except UntrustedIssuer as untrusted:
        return _jwt_bearer(issuer, client, request, untrusted, CallResult(ResultCode.JWT_BEARER, members, facts=facts))
    except ProtocolError as error:
        issuer.metrics.token_request(str(facts["grant_type"]), error.error)
        return refused(error, facts, **members)
    issuer.metrics.token_request(name, "ok")
    issued = decision.issued
    if not isinstance(issued, Issued):
        raise TypeError("the token endpoint always says what it issued")
    audit.count_act(issuer, "token.issue", f"client:{client.client_id}")
    members |= await issued_members(issuer, client, issued, added)
    members["resources"] = list(request.resources) or None
    return ok(issued, members, facts)


# what the caller has to check


async def _password(
    call: Call,
    body: TokenBody,
    request: Request,
    client: Client,
    named: str,
    error: PasswordError,
    answer: CallResult,
) -> CallResult:
    """Username and password for the caller to check (AU-07, AU-31, AU-32); they wait nowhere, only the request does."""
    waiting = DecisionTicket(
        api_key=call.api_key,
        client_id=client.client_id,
        presented=named,
        client_generation=client.generation,
        password=PasswordRequest(
            username=error.username,
            scope=request.parameters.get("scope"),
            resources=request.resources,
            properties=tuple(member.record() for member in body.properties),
            lifetime=body.access_token_duration,
        ),
    )
    requested = Requested.of(request)
    allowed = fresh_authorization(call.issuer, client, GrantTypeName.PASSWORD, requested)
    members = {
        "ticket": await tickets.give(call, waiting),
        "username": error.username,
        "password": error.password,
        "scopes": allowed.granted.scope.split(),
    }
    return answer._replace(action="PASSWORD", members={**answer.members, **members})


def _jwt_bearer(
    issuer: Issuer, client: Client, request: Request, untrusted: UntrustedIssuer, answer: CallResult
) -> CallResult:
    """An assertion of an issuer that is not trusted here: what can be seen without a key is checked, the rest by the caller.

    Where its issuer is trusted here, or is the client itself, which may assert subjects, it is verified and never gets here.
    """
    try:
        assertions.check_unverified(issuer, untrusted.assertion, assertions.audiences(issuer, request))
        allowed = fresh_authorization(issuer, client, GrantTypeName.JWT_BEARER, Requested.of(request))
    except UnverifiableError as error:
        return refused(InvalidGrant(f"The assertion cannot be used: {error}"), answer.facts, **answer.members)
    except ProtocolError as error:
        return refused(error, answer.facts, **answer.members)
    members = {
        "assertion": request.parameters["assertion"],
        "scopes": allowed.granted.scope.split(),
        "resources": list(request.resources) or None,
    }
    return answer._replace(action="JWT_BEARER", members={**answer.members, **members})


ROUTES = (Route("/auth/token", token, TokenBody),)
