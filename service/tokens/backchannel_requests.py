"""Allowed CIBA requests, for which tokens are made (OpenID Connect CIBA Core 1.0)."""

from typing import Any

import msgspec
import orjson

from service.issuer import Issuer
from service.protocol.credentials import Kind
from service.protocol.errors import UnauthorizedClient
from service.protocol.names import GrantTypeName
from service.protocol.request import Request
from service.protocol.requested import Requested
from service.records.client import Client
from service.store.store import Store
from service.tokens.binding import bind, bound_by
from service.tokens.issuing import issue
from service.tokens.members import concerns_members, with_members
from service.tokens.polled_requests import PresentedPolledRequest, poll
from service.tokens.spendable import TokenPlan
from service.tokens.token_request import TokenRequest

TRANSACTION_FAILED = "transaction_failed"
"""The error code of a failure that is no denial by the user (section 12)."""


def ciba_is_on(issuer: Issuer) -> bool:
    """Whether clients may use CIBA, and get tokens for it: every request is one of OpenID Connect."""
    return issuer.keyring is not None and bool(issuer.settings.backchannel_delivery_modes)


class PresentedBackchannelRequest(PresentedPolledRequest, frozen=True, kw_only=True):
    """A CIBA request that its client polls for at the token endpoint."""

    GRANT_TYPE = GrantTypeName.CIBA
    NAME = "CIBA request"
    REPLAY = "CIBA request was already redeemed; its grant is ended"
    KIND = Kind.BACKCHANNEL_REQUEST


class PushedBackchannelRequest(PresentedBackchannelRequest, frozen=True, kw_only=True):
    """A CIBA request whose tokens are delivered: its ID token names it (section 10.3.1)."""

    def plan(self, issuer: Issuer, client: Client) -> TokenPlan:
        """Return which tokens it is exchanged for. Raises InvalidGrant."""
        return msgspec.structs.replace(super().plan(issuer, client), auth_req_id=self.presented)

    def note_delivery(self, store: Store, *, is_repeat: bool = False) -> None:
        """Keep the reply as long as possible: an interrupted delivery resumes with it, and no other caller can read it."""


async def pushed_tokens(issuer: Issuer, client: Client, auth_req_id: str) -> dict[str, Any]:
    """Return the tokens of a request for its client, as if that had polled for it.

    Raises:
        PollingError: It is not decided yet.
        AccessDenied, ExpiredToken: It was denied, or nobody decided in time.
        UnauthorizedClient: The client may not use CIBA any more.
        ProtocolError: Its tokens cannot be had, as they were before, or its user may not have any.
        TemporarilyUnavailable: Redis is, or a hook.
    """
    if GrantTypeName.CIBA not in client.grant_types:
        raise UnauthorizedClient(f"The client is not registered for the grant_type {GrantTypeName.CIBA.value}.")
    request = Request({})
    token_request = TokenRequest(request, client, Requested(), [])
    polled = await poll(issuer, token_request, PushedBackchannelRequest, auth_req_id)
    # Nothing proves a key here: where the request was bound to one, or the client must prove one by now, there are no tokens.
    authorization = bind(polled, (await bound_by(issuer, client, request)).binding)
    if concerns_members(authorization, request.parameters):
        authorization = await with_members(issuer, client, authorization, request.parameters)
    issued = await issue(issuer, client, authorization)
    tokens: dict[str, Any] = orjson.loads(issued.content)
    return tokens
