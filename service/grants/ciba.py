"""grant_type=urn:openid:params:grant-type:ciba: a client polls until its user has decided elsewhere (CIBA Core 10.1)."""

from service.grants.grant_type import GrantType
from service.issuer import Issuer
from service.protocol.errors import UnauthorizedClient
from service.protocol.names import DeliveryMode, GrantTypeName
from service.tokens.authorization import Authorization
from service.tokens.backchannel_requests import PresentedBackchannelRequest, ciba_is_on
from service.tokens.polled_requests import poll
from service.tokens.token_request import TokenRequest


async def authorize(issuer: Issuer, token_request: TokenRequest) -> Authorization:
    """Answer a poll. Raises the errors of section 11; UnauthorizedClient for a client whose tokens are delivered."""
    if token_request.client.delivery_mode is DeliveryMode.PUSH:
        raise UnauthorizedClient("The client gets its tokens delivered (CIBA Core 11): it cannot poll.")
    auth_req_id = token_request.request.required("auth_req_id")
    return await poll(issuer, token_request, PresentedBackchannelRequest, auth_req_id)


GRANT_TYPE = GrantType(
    GrantTypeName.CIBA,
    authorize,
    help="The client names a user, who decides elsewhere: on their phone, or at /approvals.",
    is_on=ciba_is_on,
)
