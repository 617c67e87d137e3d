"""A token exchange (RFC 8693): what can be checked here is; the caller decides what may be exchanged."""

from typing import Any

from service.client_auth import AuthenticatedClient
from service.fronts.decision_api.answering import CallResult, milliseconds
from service.fronts.decision_api.body import property_json
from service.fronts.decision_api.client_json import enum_name
from service.fronts.decision_api.client_request import refused
from service.fronts.decision_api.naming import client_members
from service.fronts.decision_api.result_codes import ResultCode
from service.grants.fresh import fresh_authorization
from service.issuer import Issuer
from service.protocol.errors import InvalidRequest, InvalidToken, ProtocolError, UnauthorizedClient
from service.protocol.names import GrantTypeName
from service.protocol.request import Request
from service.protocol.requested import Requested
from service.store.replay_checks import confirm
from service.tokens.opening import open_access_token

_PREFIX = "urn:ietf:params:oauth:token-type:"
_ACCESS_TOKEN = _PREFIX + "access_token"
_TYPES = frozenset(_PREFIX + name for name in ("jwt", "access_token", "refresh_token", "id_token", "saml1", "saml2"))


async def checked(
    issuer: Issuer, authenticated: AuthenticatedClient, request: Request, answer: CallResult
) -> CallResult:
    """TOKEN_EXCHANGE, or why not. ``answer``: what is known of the client. An access token that is brought must be a living
    one of ours; tokens of other types are the caller's to verify.
    """
    client, parameters = authenticated.client, request.parameters
    try:
        await confirm(authenticated.replay_checks)
        if GrantTypeName.TOKEN_EXCHANGE not in client.grant_types:
            raise UnauthorizedClient("The client is not registered for token exchange.")
        exchange = {
            "subjectToken": request.required("subject_token"),
            "subjectTokenType": _type_of(request, "subject_token_type"),
            "subjectTokenInfo": await _info(issuer, request, "subject_token"),
            "actorToken": parameters.get("actor_token"),
            "requestedTokenType": _type_of(request, "requested_token_type", required=False),
            "audiences": [parameters["audience"]] if "audience" in parameters else None,
            "resources": list(request.resources) or None,
        }
        has_actor = "actor_token" in parameters
        if has_actor != ("actor_token_type" in parameters):
            raise InvalidRequest("actor_token and actor_token_type go together (RFC 8693 section 2.1).")
        if has_actor:
            exchange["actorTokenType"] = _type_of(request, "actor_token_type")
            exchange["actorTokenInfo"] = await _info(issuer, request, "actor_token")
        allowed = fresh_authorization(issuer, client, GrantTypeName.TOKEN_EXCHANGE, Requested.of(request))
    except ProtocolError as error:
        return refused(error, answer.facts, **answer.members)
    members = {**answer.members, **exchange, "scopes": allowed.granted.scope.split()}
    return answer._replace(result=ResultCode.TOKEN_EXCHANGE, action="TOKEN_EXCHANGE", members=members)


def _type_of(request: Request, name: str, *, required: bool = True) -> str | None:
    """A token type as Authlete spells it. Raises InvalidRequest."""
    given = request.required(name) if required else request.parameters.get(name)
    if given is not None and given not in _TYPES:
        raise InvalidRequest(f"{name} is not a known token type (RFC 8693 section 3).")
    return enum_name(given) if given else None


async def _info(issuer: Issuer, request: Request, name: str) -> dict[str, Any] | None:
    """What an access token of ours says. Raises InvalidRequest for one that is dead, or not ours (RFC 8693 section 2.2.2)."""
    if request.parameters.get(f"{name}_type") != _ACCESS_TOKEN:
        return None
    text = request.required(name)
    try:
        token, client = await open_access_token(issuer, text)
    except InvalidToken as error:
        raise InvalidRequest(f"{name} is not a living access token of this service.") from error
    properties = (*client.properties, *token.grant.properties, *token.record.properties)
    return await client_members(issuer, client) | {
        "subject": token.grant.subject or None,
        "scopes": [{"name": word} for word in token.scope.split()],
        "expiresAt": milliseconds(token.ends_at),
        "properties": [property_json(member) for member in properties] or None,
        "resources": list(token.audience) or None,
    }
