"""grant_type=client_credentials: the client itself, no subject and no refresh token (RFC 6749 section 4.4, IT-04)."""

from typing import NamedTuple

from service.grants.fresh import fresh_authorization
from service.issuer import Issuer
from service.protocol.errors import UnauthorizedClient
from service.protocol.names import GrantTypeName
from service.protocol.request import Request
from service.records.client import Client
from service.tokens.authorization import Authorization

NAME = GrantTypeName.CLIENT_CREDENTIALS
ACTS = False


class Params(NamedTuple):
    scope: str | None
    resources: tuple[str, ...]


def parse(request: Request) -> Params:
    return Params(request.parameters.get("scope"), request.resources)


async def authorize(issuer: Issuer, client: Client, params: Params) -> Authorization:
    """Raises UnauthorizedClient for a public client: it has proved nothing (RFC 6749 4.4)."""
    if client.public:
        raise UnauthorizedClient("client_credentials is for confidential clients only.")
    return fresh_authorization(issuer, client, NAME, params.scope, params.resources)
