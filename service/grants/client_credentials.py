"""grant_type=client_credentials: a grant without a user or refresh token (RFC 6749 section 4.4, IT-04)."""

from service.grants.beginning_grants import fresh_authorization
from service.grants.grant_type import GrantType
from service.issuer import Issuer
from service.protocol.errors import UnauthorizedClient
from service.protocol.names import GrantTypeName
from service.tokens.authorization import Authorization
from service.tokens.token_request import TokenRequest

_NAME = GrantTypeName.CLIENT_CREDENTIALS


async def authorize(issuer: Issuer, token_request: TokenRequest) -> Authorization:
    """Begin a client grant. Raises UnauthorizedClient for a public client, which cannot authenticate (RFC 6749 section 4.4)."""
    client = token_request.client
    if client.public:
        raise UnauthorizedClient("client_credentials is for confidential clients only.")
    return fresh_authorization(issuer, client, _NAME, token_request.requested)


GRANT_TYPE = GrantType(_NAME, authorize, help="Tokens for the client itself, with no user behind it.")
