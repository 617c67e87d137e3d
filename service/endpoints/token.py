"""The token endpoint (RFC 6749 section 3.2): find the grant type, authenticate, authorize, issue."""

import logging
from collections.abc import Callable

import msgspec

from service.client_auth import AuthenticatedClient, algorithms_supported, authenticate, methods_supported
from service.endpoints.endpoint import MachineEndpoint
from service.grants import GRANT_TYPES, GrantType
from service.issuer import Issuer
from service.observe.current import note_grant_type
from service.observe.events import Event
from service.protocol.decision import Decision, answer
from service.protocol.errors import ProtocolError, UnauthorizedClient, UnsupportedGrantType
from service.protocol.names import GrantTypeName
from service.protocol.profiles import refused_grant_types
from service.protocol.request import Request
from service.protocol.requested import Requested
from service.protocol.response_destination import types_supported
from service.records.client import Client
from service.settings import Settings
from service.store.replay_checks import confirm, start, under_way
from service.tokens.authorization import Authorization, Issued
from service.tokens.binding import KEY_PROOFS, Possession, bind, bound_by
from service.tokens.issuing import issue
from service.tokens.members import GRANT_MEMBERS, concerns_members, with_members
from service.tokens.replay import ReplayedError, end_replayed
from service.tokens.token_request import TokenRequest

log = logging.getLogger(__name__)

NAME = "token"


async def decide(issuer: Issuer, request: Request) -> Decision:
    """Issue tokens for a grant. Raises the errors of RFC 6749 section 5.2."""
    name = request.required("grant_type")
    grant_type = GRANT_TYPES.get(name)
    label = name if grant_type else "unknown"
    note_grant_type(label)
    try:
        decision = await answer_client(issuer, request, await authenticate(issuer, request), grant_type, name)
    except ProtocolError as error:
        issuer.metrics.token_request(label, error.error)
        raise
    issuer.metrics.token_request(label, "ok")
    return decision


async def answer_client(
    issuer: Issuer,
    request: Request,
    authenticated: AuthenticatedClient,
    grant_type: GrantType | None,
    name: str,
    adjust: Callable[[Authorization], Authorization] | None = None,
    possession: Possession | None = None,
) -> Decision:
    """Issue tokens to an authenticated client.

    Args:
        issuer: Issues them.
        request: The token request.
        authenticated: Its client.
        grant_type: None where there is none of this name.
        name: The ``grant_type`` as it was sent.
        adjust: Adds what a caller of the decision API wants to an authorization.
        possession: The keys that the client proves to hold, where they were verified already.

    Raises:
        ProtocolError: The errors of RFC 6749 section 5.2.
    """
    client, checks = authenticated.client, list(authenticated.replay_checks)
    try:
        grant_type = _allowed(client, grant_type, name)
        possession = possession or await bound_by(issuer, client, request)
        checks += possession.replay_checks
        if grant_type.has_side_effects:
            await confirm(under_way(checks))
        token_request = TokenRequest(request, client, _requested(issuer, request), checks, possession.binding)
        authorization = bind(await grant_type.authorize(issuer, token_request), possession.binding)
        if concerns_members(authorization, request.parameters):
            authorization = await with_members(issuer, client, authorization, request.parameters)
    except ReplayedError as replayed:
        await confirm(checks)
        await end_replayed(issuer, replayed)
        raise
    except ProtocolError:
        await confirm(under_way(checks))  # a client that sends an old assertion learns nothing else
        raise
    if issuer.hooks.asks:
        authorization = msgspec.structs.replace(authorization, address=request.address)
    if adjust is not None:
        authorization = adjust(authorization)
    start(checks)
    issued = await issue(issuer, client, authorization, checks)
    if log.isEnabledFor(logging.DEBUG):
        _log_issued(client, name, issued)
    return answer(issued.content, issued=issued)


def _log_issued(client: Client, name: str, issued: Issued) -> None:
    subject = issued.grant.subject
    facts = {"grant_type": name, "client_id": client.client_id, "subject": subject, "scope": issued.scope}
    log.debug(Event.TOKEN_ISSUED, extra=facts | {"repeated": issued.repeated})


def _allowed(client: Client, grant_type: GrantType | None, name: str) -> GrantType:
    """Return the grant type, if the client may use it. Raises UnsupportedGrantType, UnauthorizedClient."""
    if grant_type is None:
        raise UnsupportedGrantType(f"The grant_type {name[:60]} is not supported.")
    if name not in client.grant_types:
        raise UnauthorizedClient(f"The client is not registered for the grant_type {name}.")
    return grant_type


def _requested(issuer: Issuer, request: Request) -> Requested:
    """Return what the request asks for."""
    return Requested.of(request, takes_audience=issuer.settings.audience_parameter)


def _methods(settings: Settings) -> tuple[str, ...]:
    return ("POST",) if settings.token_require_post else ("POST", "GET")


def _metadata(issuer: Issuer) -> dict[str, object]:
    offered = types_supported(issuer.settings.response_types, can_sign=issuer.keyring is not None)
    implicit = any(one.parts - {"code"} for one in offered)
    refused = refused_grant_types(issuer.settings.profile)
    grant_types = {name: one for name, one in GRANT_TYPES.items() if one.is_on(issuer) and name not in refused}
    members: dict[str, object] = {
        "token_endpoint": issuer.url_of(issuer.settings.token_paths[0]),
        "token_endpoint_auth_methods_supported": methods_supported(issuer),
        "token_endpoint_auth_signing_alg_values_supported": algorithms_supported(issuer),
        "grant_types_supported": [*grant_types, *([GrantTypeName.IMPLICIT] if implicit else [])],
    }
    for proof in KEY_PROOFS.values():
        members |= proof.metadata(issuer)
    for member in GRANT_MEMBERS.values():
        members |= member.metadata(issuer)
    for grant_type in grant_types.values():
        members |= grant_type.metadata(issuer)
    return members


ENDPOINT = MachineEndpoint(
    name=NAME,
    paths=lambda settings: settings.token_paths,
    methods=_methods,
    metadata=_metadata,
    handle=decide,
    takes_key_proofs=True,
    head=False,
)
