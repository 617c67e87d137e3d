"""grant_type=urn:ietf:params:oauth:grant-type:device_code: a device polls until its user has decided (RFC 8628 section 3.4)."""

from service.grants.grant_type import GrantType
from service.issuer import Issuer
from service.protocol.credentials import Kind
from service.protocol.names import GrantTypeName
from service.tokens.authorization import Authorization
from service.tokens.polled_requests import PresentedPolledRequest, poll
from service.tokens.token_request import TokenRequest


class PresentedDeviceCode(PresentedPolledRequest, frozen=True, kw_only=True):
    """A device code at the token endpoint."""

    GRANT_TYPE = GrantTypeName.DEVICE_CODE
    NAME = "device code"
    REPLAY = "device code was already redeemed; its grant is ended"
    KIND = Kind.DEVICE_CODE


async def authorize(issuer: Issuer, token_request: TokenRequest) -> Authorization:
    """Answer a poll. Raises the errors of RFC 8628 section 3.5."""
    return await poll(issuer, token_request, PresentedDeviceCode, token_request.request.required("device_code"))


GRANT_TYPE = GrantType(
    GrantTypeName.DEVICE_CODE,
    authorize,
    help="Users sign in elsewhere for a device that has no browser, and enter the code that it shows.",
)
