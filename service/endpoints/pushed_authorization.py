"""Pushed authorization requests (RFC 9126): a client sends its request here, and its user's browser brings a name for it."""

import orjson

from service.client_auth import AuthenticatedClient, authenticate
from service.endpoints.endpoint import MachineEndpoint, always
from service.issuer import Issuer
from service.login.authorization_requests import validate_pushed_request
from service.login.pushed_requests import lifetime, push
from service.login.request_object import Parameters
from service.protocol.decision import NO_STORE, Action, Decision
from service.protocol.errors import ProtocolError
from service.protocol.request import Request
from service.store.replay_checks import confirm
from service.tokens.binding import pushed_with

NAME = "pushed_authorization"
PATH = "/par"
_AUTHENTICATION = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
"""Parameters that are no part of the request."""


async def decide(issuer: Issuer, request: Request) -> Decision:
    """Store the request for the user's browser (2.2). Raises the errors of 2.3."""
    return await answer_client(issuer, request, await authenticate(issuer, request))


async def answer_client(
    issuer: Issuer, request: Request, authenticated: AuthenticatedClient, *, by_backend: bool = False
) -> Decision:
    """Validate and store the request of an authenticated client.

    Args:
        issuer: Stores it.
        request: The request of the client.
        authenticated: The client.
        by_backend: Whether a backend signs users in.

    Raises:
        ProtocolError: The errors of RFC 6749 section 4.1.2.1 and OpenID Connect Core 3.1.2.6, for the client itself.
    """
    client, checks = authenticated.client, authenticated.replay_checks
    single = {name: value for name, value in request.parameters.items() if name not in _AUTHENTICATION}
    single["client_id"] = client.client_id  # it may have called itself by its alias, or by HTTP authentication alone
    try:
        outer = Parameters(single, request.resources)
        parameters = (await validate_pushed_request(issuer, client, outer, by_backend=by_backend)).parameters
        pushed = await pushed_with(issuer, client, request, parameters.single)
    except ProtocolError:
        await confirm(checks)  # a client that sends an old assertion learns nothing else
        raise
    parameters = parameters._replace(single={**parameters.single, **pushed.parameters})
    request_uri = await push(issuer, client, parameters, request.address, pushed.replay_checks)
    # in the same batch: a stored request is of no use without its name
    await confirm((*checks, *pushed.replay_checks))
    issuer.metrics.request(NAME, "ok")
    body = {"request_uri": request_uri, "expires_in": lifetime(issuer, client)}
    return Decision(Action.OK, 201, orjson.dumps(body), NO_STORE)


def _metadata(issuer: Issuer) -> dict[str, object]:
    return {
        "pushed_authorization_request_endpoint": issuer.url_of(PATH),
        "require_pushed_authorization_requests": issuer.settings.require_pushed_authorization_requests,
    }


ENDPOINT = MachineEndpoint(name=NAME, paths=always(PATH), metadata=_metadata, handle=decide, takes_key_proofs=True)
