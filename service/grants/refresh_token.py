"""grant_type=refresh_token: checks the request that presents a refresh token (RFC 6749 section 6, P2).

It is rotated, or kept, in ``tokens.refresh_tokens``.
"""

from service.grants.grant_type import GrantType
from service.issuer import Issuer
from service.protocol import credentials
from service.protocol.errors import InvalidGrant
from service.protocol.names import GrantTypeName
from service.tokens.authorization import Authorization, granted_by
from service.tokens.refresh_tokens import present_refresh_token
from service.tokens.replay import check_not_replayed
from service.tokens.resources import check_still_open
from service.tokens.token_request import TokenRequest


async def authorize(issuer: Issuer, token_request: TokenRequest) -> Authorization:
    """Open the refresh token. A narrower scope is for the new access token only; grant and successor keep the whole scope."""
    client, refresh_token = token_request.client, token_request.request.required("refresh_token")
    credential = credentials.parse(refresh_token)
    if credential is None or credential.kind is not credentials.REFRESH_TOKEN:
        raise InvalidGrant(log="not a refresh token of ours")
    opened = await issuer.store.tokens.open_by_refresh(credential)
    if opened is None:
        raise InvalidGrant(log="refresh token is unknown, expired, or its grant has ended")
    if not client.grant_is_current(opened.grant):
        raise InvalidGrant(log="refresh token was issued to another client, or the client's grants were ended")
    presented = present_refresh_token(issuer, client, refresh_token, opened)
    check_not_replayed(presented, token_request.binding)
    return Authorization(
        grant=opened.grant,
        granted=check_still_open(issuer, client, token_request.requested.narrowed(granted_by(opened.grant))),
        spends=presented,
        address=token_request.request.address,
    )


GRANT_TYPE = GrantType(
    GrantTypeName.REFRESH_TOKEN, authorize, help="New access tokens without a further question to the user."
)
