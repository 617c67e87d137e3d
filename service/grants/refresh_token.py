"""grant_type=refresh_token: exactly one successor, and the same answer again to who asks twice (RFC 6749 section 6, P2)."""

from typing import NamedTuple

from service.issuer import Issuer
from service.protocol import credentials, scopes, targets
from service.protocol.errors import InvalidGrant
from service.protocol.names import GrantTypeName
from service.protocol.request import Request
from service.records.client import Client
from service.tokens.authorization import Authorization
from service.tokens.replay import ReplayedError

NAME = GrantTypeName.REFRESH_TOKEN
ACTS = False


class Params(NamedTuple):
    refresh_token: str
    scope: str | None
    resources: tuple[str, ...]
    address: str = ""


def parse(request: Request) -> Params:
    return Params(
        request.required("refresh_token"), request.parameters.get("scope"), request.resources, request.address
    )


async def authorize(issuer: Issuer, client: Client, params: Params) -> Authorization:
    """A narrower scope is for the new access token only: the grant, and so the successor, keeps the whole."""
    credential = credentials.parse(params.refresh_token)
    if credential is None or credential.kind is not credentials.Kind.REFRESH_TOKEN:
        raise InvalidGrant(log="not a refresh token of ours")
    opened = await issuer.store.tokens.open_by_refresh(credential)
    if opened is None:
        raise InvalidGrant(log="refresh token is unknown, expired, or its grant has ended")
    if not client.stands_behind(opened.grant):
        raise InvalidGrant(log="refresh token was issued to another client, or the client's grants were ended")
    if opened.record is None and not opened.reply:
        raise ReplayedError("refresh_token_reused", opened.credential, opened.grant)
    scope = scopes.narrowed(params.scope, opened.grant.scope)
    audience = targets.audience(params.resources, opened.grant.audience)
    return Authorization(opened.grant, scope, audience, opened, params.refresh_token, address=params.address)
