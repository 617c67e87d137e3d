"""The device authorization endpoint (RFC 8628 section 3.1): a device begins, and gets a code to show to its user."""

from urllib.parse import urlencode

import orjson

from service.client_auth import AuthenticatedClient, authenticate
from service.endpoints.endpoint import MachineEndpoint, always
from service.issuer import Issuer
from service.login.authorization_requests import validate_polled_request
from service.login.device_requests import DEVICE_PATH, begin_device_request
from service.login.request_object import Parameters
from service.protocol.decision import NO_STORE, Action, Decision
from service.protocol.errors import ProtocolError, UnauthorizedClient
from service.protocol.names import GrantTypeName
from service.protocol.request import Request
from service.store.replay_checks import confirm
from service.tokens.binding import pushed_with

NAME = "device_authorization"
PATH = "/device_authorization"


async def decide(issuer: Issuer, request: Request) -> Decision:
    """Begin a request of a device. Raises the errors of RFC 6749 section 5.2."""
    return await answer_client(issuer, request, await authenticate(issuer, request))


async def answer_client(issuer: Issuer, request: Request, authenticated: AuthenticatedClient) -> Decision:
    """Begin a request of a client that is authenticated. A DPoP proof, or ``dpop_jkt``, binds it to the device's key.

    Raises ProtocolError.
    """
    client, checks = authenticated.client, authenticated.replay_checks
    try:
        if GrantTypeName.DEVICE_CODE not in client.grant_types:
            raise UnauthorizedClient(
                f"The client is not registered for the grant_type {GrantTypeName.DEVICE_CODE.value}."
            )
        shown = pushed_with(issuer, client, request, request.parameters)
        parameters = Parameters({**request.parameters, **shown.parameters}, request.resources)
        asked = await validate_polled_request(issuer, client, parameters)
    except ProtocolError:
        await confirm(checks)  # a client that sends an old assertion learns nothing else
        raise
    begun = await begin_device_request(issuer, client, asked, request.address, shown.replay_checks)
    await confirm((*checks, *shown.replay_checks))  # what was kept is of no use to who does not learn its name
    issuer.metrics.request(NAME, "ok")
    page = issuer.url_of(DEVICE_PATH)
    body = {
        "device_code": begun.device_code,
        "user_code": begun.user_code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?{urlencode({'user_code': begun.user_code})}",
        "expires_in": begun.expires_in,
        "interval": begun.interval,
    }
    return Decision(Action.OK, 200, orjson.dumps(body), NO_STORE)


def _metadata(issuer: Issuer) -> dict[str, object]:
    return {"device_authorization_endpoint": issuer.url_of(PATH)}


ENDPOINT = MachineEndpoint(name=NAME, paths=always(PATH), metadata=_metadata, handle=decide, takes_key_proofs=True)
