"""The device authorization endpoint (RFC 8628 section 3.1): a device begins, and gets a code to show to its user."""

from urllib.parse import urlencode

import orjson

from service.client_auth import AuthenticatedClient, authenticate
from service.endpoints.endpoint import MachineEndpoint, always
from service.issuer import Issuer
from service.login.authorization_requests import validate_polled_request
from service.login.device_requests import DEVICE_PATH, BegunDevice, begin_device_request
from service.login.request_object import Parameters
from service.protocol.authorization_request import AuthorizationRequest
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
    _, begun = await begin(issuer, request, await authenticate(issuer, request))
    return acknowledged(issuer, begun)


async def begin(
    issuer: Issuer, request: Request, authenticated: AuthenticatedClient
) -> tuple[AuthorizationRequest, BegunDevice]:
    """Validate and store the request of an authenticated client. Return it, and the response for the device.

    A DPoP proof, or ``dpop_jkt``, binds it to the device's key. Raises ProtocolError.
    """
    client, checks = authenticated.client, authenticated.replay_checks
    try:
        if GrantTypeName.DEVICE_CODE not in client.grant_types:
            raise UnauthorizedClient(
                f"The client is not registered for the grant_type {GrantTypeName.DEVICE_CODE.value}."
            )
        pushed = await pushed_with(issuer, client, request, request.parameters)
        single = {**request.parameters, **pushed.parameters}
        parameters = Parameters(single, request.resources)
        authorization_request = await validate_polled_request(issuer, client, parameters)
    except ProtocolError:
        await confirm(checks)  # a client that sends an old assertion learns nothing else
        raise
    begun = await begin_device_request(issuer, client, authorization_request, request.address, pushed.replay_checks)
    await confirm((*checks, *pushed.replay_checks))  # a stored request is of no use without its name
    issuer.metrics.request(NAME, "ok")
    return authorization_request, begun


def acknowledged(issuer: Issuer, begun: BegunDevice) -> Decision:
    """Return the response (RFC 8628 section 3.2)."""
    body = begun._asdict() | {
        "verification_uri": page_of(issuer),
        "verification_uri_complete": complete_page_of(issuer, begun.user_code),
    }
    return Decision(Action.OK, 200, orjson.dumps(body), NO_STORE)


def page_of(issuer: Issuer) -> str:
    """Return where users enter codes."""
    return issuer.settings.device_page_url or issuer.url_of(DEVICE_PATH)


def complete_page_of(issuer: Issuer, user_code: str) -> str:
    """Return that address with the code filled in."""
    page = page_of(issuer)
    return f"{page}{'&' if '?' in page else '?'}{urlencode({'user_code': user_code})}"


def _metadata(issuer: Issuer) -> dict[str, object]:
    return {"device_authorization_endpoint": issuer.url_of(PATH)}


ENDPOINT = MachineEndpoint(name=NAME, paths=always(PATH), metadata=_metadata, handle=decide, takes_key_proofs=True)
