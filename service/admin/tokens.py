"""Tokens: made for a client without a flow, changed in place, and ended; identified by themselves or by their handle.

A handle is the id of the grant and the hash of the token, 44 characters: the ``jti`` of a JWT. It identifies a token
but cannot be used as one. The id of the grant alone identifies everything that the grant issued.
"""

import logging
import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, NamedTuple

import msgspec
from pydantic import Field

from service.admin import clients
from service.admin.audit import audited
from service.admin.errors import InvalidInput, NotAllowed, NotFound
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
from service.store.grant_updates import GrantSnapshot, GrantUpdate, UpdateAnswer
from service.store.tokens import RevokeAnswer
from service.tokens import issuing
from service.tokens.access_tokens import resolve_token
from service.tokens.authorization import Authorization, Issued
from service.tokens.binding import bind
from service.tokens.ending import end_grant

log = logging.getLogger(__name__)

_TRIES = 5
_REASON = "revoked_by_operator"
_LATEST = 253_402_300_799
"""The last second of the year 9999: a later time is a mistake in the unit."""
_NAME = re.compile(rf"([A-Za-z0-9_-]{{{GRANT_ID_LENGTH}}})([A-Za-z0-9_-]{{22}})?", re.ASCII)
_WITHOUT_REFRESH = {GrantTypeName.IMPLICIT, GrantTypeName.CLIENT_CREDENTIALS, GrantTypeName.TOKEN_EXCHANGE}
"""Grant types that never bring a refresh token (RFC 6749 4.2.2 and 4.4.3; RFC 8693 2.2.1: its holder repeats the exchange)."""

Second = Annotated[Number, Field(ge=1, le=_LATEST)]


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
    auth_time: Annotated[Number, Field(ge=0, le=_LATEST)] = 0
    dpop_jkt: Annotated[str, Field(pattern=THUMBPRINT.pattern)] | None = None
    """Thumbprint of the DPoP key that the tokens are bound to (RFC 9449 section 6.1)."""
    x5t_s256: Annotated[str, Field(pattern=THUMBPRINT.pattern)] | None = None
    """Thumbprint of the certificate that the tokens are bound to (RFC 8705 section 3.1)."""


class TokenChanges(Input):
    """The changes of a token; None = unchanged. Ends are epoch seconds in the future."""

    scopes: Scopes | None = None
    properties: Properties | None = None
    ends_at: Second | None = None
    refresh_ends_at: Second | None = None


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
    return NamedToken(credential.grant_id, credential.hash, credential.kind)


# changing tokens


async def update_token(issuer: Issuer, identifier: str, changes: TokenChanges) -> GrantSnapshot:
    """Change an access token and its grant: all requested changes, or none.

    Scope and properties belong to the grant, and so hold also after a refresh; members that hooks or a token request attached
    to this token alone stay, unless they have one of the changed names. Raises NotFound, InvalidInput, NotAllowed.
    """
    named = await named_by(issuer, identifier)
    if named is not None and not named.hash:
        raise InvalidInput("this names a grant: give the access token, or its hash, to change it")
    if named is None or named.kind is Kind.REFRESH_TOKEN:
        raise _no_token()
    now = int(issuer.clock())
    if any(end is not None and end <= now for end in (changes.ends_at, changes.refresh_ends_at)):
        raise InvalidInput("an end must be in the future (milliseconds of the epoch); delete the token to end it now")
    return await _update_by_id(issuer, named.grant_id, named.hash, changes, changes.model_dump(exclude_none=True))


@audited("token.update", "grant:grant_id", changed="changed", often=True)
async def _update_by_id(
    issuer: Issuer, grant_id: str, access_hash: str, changes: TokenChanges, changed: Mapping[str, Any]
) -> GrantSnapshot:
    """Change the token by the id of its grant, which the audit log may hold; the caller's identifier may be the token."""
    held = await _compare_and_set(issuer, grant_id, access_hash, changes)
    if held is None:
        raise _no_token()
    log.info(Event.TOKEN_UPDATED, extra={"grant_id": grant_id, "changed": sorted(changed)})
    return held


async def update_grant(issuer: Issuer, grant_id: str, changes: TokenChanges) -> bool:
    """Change a whole grant, which limits the scope of its access tokens; return whether it was alive. Raises NotAllowed."""
    return await _compare_and_set(issuer, grant_id, "", changes) is not None


def check_scopes(client: Client, scopes: tuple[str, ...]) -> None:
    """Check that the client may have these scopes. Raises NotAllowed."""
    if foreign := [word for word in scopes if word not in client.scopes]:
        raise NotAllowed(f"scopes: {foreign[0]} is unknown or not allowed for this client")


async def _compare_and_set(
    issuer: Issuer, grant_id: str, access_hash: str, changes: TokenChanges
) -> GrantSnapshot | None:
    """Read the token, change it, compare and set; repeat where another change was first. None if it has ended."""
    for _ in range(_TRIES):
        held = await issuer.store.grant_updates.read(grant_id, access_hash)
        if held is None:
            return None
        update = await _with_changes(issuer, held, changes)
        if update is None:
            return None
        answer = await issuer.store.grant_updates.write(held, update)
        if answer is UpdateAnswer.ENDED:
            return None
        if answer is UpdateAnswer.UPDATED:
            return await issuer.store.grant_updates.read(grant_id, access_hash)
    raise TemporarilyUnavailable(log="the grant is being changed by others at the same time")


async def _with_changes(issuer: Issuer, held: GrantSnapshot, changes: TokenChanges) -> GrantUpdate | None:
    """Return the changed grant; None where it is no longer current for its client. Raises NotAllowed."""
    client = await issuer.store.clients.get(held.grant.client_id)
    if client is None or held.grant.client_generation < client.generation:
        return None
    grant, access = held.grant, held.access
    if access is not None and access.sources:
        raise NotAllowed("a token that others were exchanged for cannot be changed; change or end what it came from")
    if changes.scopes is not None:
        check_scopes(client, changes.scopes)
        grant = msgspec.structs.replace(grant, scope=" ".join(changes.scopes))
        access = msgspec.structs.replace(access, scope=None) if access else None
    if changes.properties is not None:
        grant = msgspec.structs.replace(grant, properties=tuple(member.record() for member in changes.properties))
        names = {member.name for member in grant.properties}
        others = tuple(member for member in (access.properties if access else ()) if member.name not in names)
        access = msgspec.structs.replace(access, properties=others) if access else None
    if access is not None and access.grant is not None:
        access = msgspec.structs.replace(access, grant=grant)
    return GrantUpdate(grant, access, changes.ends_at, changes.refresh_ends_at)


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


def _no_token() -> NotFound:
    return NotFound("there is no such access token: it was ended, or has expired")
