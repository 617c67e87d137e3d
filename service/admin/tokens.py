"""Tokens: made for a client without a flow, and ended; identified by themselves or by their handle.

A handle is the id of the grant and the hash of the token, 44 characters: the ``jti`` of a JWT. It identifies a token
but cannot be used as one. The id of the grant alone identifies everything that the grant issued.
"""

import logging
import re
from collections.abc import Collection
from typing import Annotated, NamedTuple

import msgspec
from pydantic import Field

from service.admin import clients
from service.admin.audit import audited
from service.admin.errors import InvalidInput, NotAllowed
from service.admin.input import Input, Properties
from service.grants.beginning_grants import fresh_authorization
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.binding import THUMBPRINT, UNBOUND, Binding
from service.protocol.checked_types import Identifier, Lifetime, Number, Resources, Scopes, ShortText
from service.protocol.credentials import GRANT_ID_LENGTH, Credential, Kind
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.protocol.names import GrantTypeName
from service.protocol.requested import Requested
from service.records.client import Client
from service.store.tokens import RevokeAnswer
from service.tokens import issuing
from service.tokens.access_tokens import resolve_token
from service.tokens.authorization import Authorization, Issued
from service.tokens.binding import bind
from service.tokens.ending import end_grant

log = logging.getLogger(__name__)

_REASON = "revoked_by_operator"
LATEST = 253_402_300_799
"""The last second of the year 9999: a later time is a mistake in the unit."""
_NAME = re.compile(rf"([A-Za-z0-9_-]{{{GRANT_ID_LENGTH}}})([A-Za-z0-9_-]{{22}})?", re.ASCII)
_WITHOUT_REFRESH = {GrantTypeName.IMPLICIT, GrantTypeName.CLIENT_CREDENTIALS, GrantTypeName.TOKEN_EXCHANGE}
"""Grant types that never bring a refresh token (RFC 6749 4.2.2 and 4.4.3; RFC 8693 2.2.1: its holder repeats the exchange)."""


class TokenInput(Input):
    """A token that is to be made. None means the client's value: its default scopes, its lifetimes in seconds.

    The refresh token never lives beyond the client's absolute limit.
    """

    client: Identifier
    """The client_id or alias of the client."""
    grant_type: GrantTypeName
    subject: Identifier | None = None
    scopes: Scopes | None = None
    resources: Resources = ()
    properties: Properties = ()
    access_token_lifetime: Lifetime | None = None
    refresh_token_lifetime: Lifetime | None = None
    acr: ShortText = ""
    auth_time: Annotated[Number, Field(ge=0, le=LATEST)] = 0
    dpop_jkt: Annotated[str, Field(pattern=THUMBPRINT.pattern)] | None = None
    """Thumbprint of the DPoP key that the tokens are bound to (RFC 9449 section 6.1)."""
    x5t_s256: Annotated[str, Field(pattern=THUMBPRINT.pattern)] | None = None
    """Thumbprint of the certificate that the tokens are bound to (RFC 8705 section 3.1)."""


class Created(NamedTuple):
    """The tokens in clear, which are available only now."""

    client: Client
    issued: Issued


class NamedToken(NamedTuple):
    """The grant or token that an identifier names."""

    grant_id: str
    hash: str = ""
    """The hash of the token; empty where only the grant is named."""
    kind: Kind | None = None
    """None = unknown."""
    jwt_ends_at: int = 0
    """Epoch seconds at which it ends as a JWT; 0 = it is none, or this is not known."""


# making tokens


@audited("token.create", "client:given.client", "user:given.subject", often=True)
async def create_token(issuer: Issuer, given: TokenInput) -> Created:
    """Issue tokens as if the client had used this grant type. Raises NotFound, InvalidInput, NotAllowed."""
    client = await clients.get_client(issuer, given.client)
    _check_parties(client, given)
    scope = None if given.scopes is None else " ".join(given.scopes)
    try:
        fresh = fresh_authorization(
            issuer, client, given.grant_type, Requested(scope, given.resources), subject=given.subject or ""
        )
        authorization = bind(_with_details(fresh, given), _binding(given))
        issued = await issuing.issue(issuer, _as_requested(client, given), authorization)
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        raise NotAllowed(f"{error.error}: {error.description}") from error
    log.info(
        Event.TOKEN_CREATED,
        extra={"client_id": client.client_id, "subject": given.subject or "", "grant_id": issued.grant_id},
    )
    return Created(client, issued)


def _check_parties(client: Client, given: TokenInput) -> None:
    is_client_grant = given.grant_type is GrantTypeName.CLIENT_CREDENTIALS
    if given.grant_type is GrantTypeName.REFRESH_TOKEN:
        raise InvalidInput("grant_type: refresh_token renews a grant, it does not begin one")
    if is_client_grant and given.subject:
        raise InvalidInput("subject: client_credentials has none (RFC 6749 section 4.4)")
    if not is_client_grant and not given.subject:
        raise InvalidInput(f"subject: needed for {given.grant_type}")
    if not client.enabled:
        raise NotAllowed(f"client {client.client_id} is disabled")
    if given.grant_type not in client.grant_types:
        raise NotAllowed(f"client {client.client_id} is not registered for the grant type {given.grant_type}")
    if client.dpop_bound_access_tokens and given.dpop_jkt is None:
        raise NotAllowed(f"the tokens of {client.client_id} are bound to a key: say which (dpop_jkt)")
    if client.tls_client_certificate_bound_access_tokens and given.x5t_s256 is None:
        raise NotAllowed(f"the tokens of {client.client_id} are bound to a certificate: say which (x5t_s256)")
    if is_client_grant and client.public:
        raise NotAllowed("client_credentials is for confidential clients only (RFC 6749 section 4.4)")


def _binding(given: TokenInput) -> Binding:
    if given.dpop_jkt is None and given.x5t_s256 is None:
        return UNBOUND
    return Binding(given.dpop_jkt or "", given.x5t_s256 or "")


def _as_requested(client: Client, given: TokenInput) -> Client:
    """Return the client with the requested refresh token lifetime, as the mint takes it from the client."""
    adjusted: Client = msgspec.structs.replace(
        client,
        refresh_idle_lifetime=given.refresh_token_lifetime or client.refresh_idle_lifetime,
        refresh_limit=0 if given.grant_type in _WITHOUT_REFRESH else client.refresh_limit,
    )
    return adjusted


def _with_details(fresh: Authorization, given: TokenInput) -> Authorization:
    """Return the authorization with the details of the input. Only the caller knows whether and when the user signed in."""
    grant = msgspec.structs.replace(
        fresh.grant,
        auth_time=given.auth_time,
        acr=given.acr,
        properties=tuple(member.record() for member in given.properties),
    )
    detailed: Authorization = msgspec.structs.replace(fresh, grant=grant, lifetime=given.access_token_lifetime or 0)
    return detailed


# finding tokens


async def named_by(issuer: Issuer, identifier: str) -> NamedToken | None:
    """Return what a token, a handle or the id of a grant names, alive or not; None where the text is none of them.

    Raises InvalidInput for a stateless token, which has no record.
    """
    found = _NAME.fullmatch(identifier)
    if found:
        return NamedToken(found[1], found[2] or "")
    resolved = await resolve_token(issuer, identifier)
    if resolved.stateless is not None:
        raise InvalidInput("this token is kept nowhere: it ends with its time, or with its client")
    credential = resolved.credential
    if credential is None or credential.kind not in (Kind.ACCESS_TOKEN, Kind.REFRESH_TOKEN):
        return None
    return NamedToken(credential.grant_id, credential.hash, credential.kind, resolved.jwt_ends_at)


# ending tokens


async def end_token(issuer: Issuer, identifier: str, kind: Kind | None = None) -> bool:
    """End the grant that a token, a handle or a grant id names, with everything that it issued; return whether it was alive.

    With ``kind`` only credentials of this kind are looked up. Raises InvalidInput for a stateless token.
    """
    named = await named_by(issuer, identifier)
    if named is None:
        return False
    if named.kind is None:  # a handle does not show which of the two it names
        kinds = (kind,) if kind else (Kind.ACCESS_TOKEN, Kind.REFRESH_TOKEN)
    elif kind in (None, named.kind):
        kinds = (named.kind,)
    else:
        return False
    return await _end_by_id(issuer, named.grant_id, named.hash, kinds)


@audited("token.end", "grant:grant_id")
async def _end_by_id(issuer: Issuer, grant_id: str, credential_hash: str, kinds: Collection[Kind]) -> bool:
    if not credential_hash:
        return await _end_grant(issuer, grant_id)
    ended = [await _end_credential(issuer, Credential(kind, grant_id, credential_hash)) for kind in kinds]
    return any(ended)


async def _end_grant(issuer: Issuer, grant_id: str) -> bool:
    listed = await issuer.store.grants.open(grant_id)
    if listed is None:
        return False
    grant = listed.grant
    return await end_grant(issuer, grant_id, grant.subject, grant.client_id, _REASON)


async def _end_credential(issuer: Issuer, credential: Credential) -> bool:
    tokens = issuer.store.tokens
    is_access_token = credential.kind is Kind.ACCESS_TOKEN
    opened = await (tokens.open_by_token(credential) if is_access_token else tokens.open_by_refresh(credential))
    if opened is None:
        return False
    grant = opened.grant

    async def revoke() -> bool:
        return await tokens.revoke(credential, grant.client_id, ends_grant=True) is RevokeAnswer.REVOKED

    return await end_grant(issuer, credential.grant_id, grant.subject, grant.client_id, _REASON, revoke)
