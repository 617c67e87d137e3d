"""Changes of an access token, and of its grant, in place."""

import logging
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import msgspec
from pydantic import Field

from service.admin.audit import audited, note_changed
from service.admin.errors import InvalidInput, NotAllowed, NotFound
from service.admin.input import Input, Properties
from service.admin.tokens import LATEST, NamedToken, named_by
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.checked_types import Number, Scopes
from service.protocol.credentials import Kind
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.names import AccessTokenFormat
from service.records.client import Client
from service.store.grant_updates import GrantSnapshot, GrantUpdate, UpdateAnswer
from service.tokens.access_tokens import profile_for

log = logging.getLogger(__name__)

_TRIES = 5

Second = Annotated[Number, Field(ge=1, le=LATEST)]


class TokenChanges(Input):
    """The changes of a token; None = unchanged. Ends are epoch seconds in the future."""

    scopes: Scopes | None = None
    properties: Properties | None = None
    ends_at: Second | None = None
    refresh_ends_at: Second | None = None


async def update_token(issuer: Issuer, identifier: str, changes: TokenChanges) -> GrantSnapshot:
    """Change an access token and its grant: all requested changes, or none.

    Scope and properties belong to the grant, and so hold also after a refresh; members that hooks or a token request attached
    to this token alone stay, unless they have one of the changed names. A JWT ends by its own ``exp`` at the latest. Raises
    NotFound, InvalidInput, NotAllowed.
    """
    named = await named_by(issuer, identifier)
    if named is not None and not named.hash:
        raise InvalidInput("this names a grant: give the access token, or its hash, to change it")
    if named is None or named.kind is Kind.REFRESH_TOKEN:
        raise _no_token()
    now = int(issuer.clock())
    for name, end in (("ends_at", changes.ends_at), ("refresh_ends_at", changes.refresh_ends_at)):
        if end is not None and end <= now:
            raise InvalidInput(f"{name}: must be in the future; delete the token to end it now")
    if changes.ends_at is not None:
        await _check_end(issuer, named, changes.ends_at)
    return await _update_by_id(issuer, named.grant_id, named.hash, changes, changes.model_dump(exclude_none=True))


async def _check_end(issuer: Issuer, named: NamedToken, ends_at: int) -> None:
    """Refuse an end that a JWT cannot have (RFC 7519 section 4.1.4). Raises InvalidInput."""
    latest = named.jwt_ends_at
    if named.kind is None:  # a handle does not show whether its token is a JWT: one that may be ends when it does now
        held = await issuer.store.grant_updates.read(named.grant_id, named.hash)
        latest = held.access_ends_at if held is not None and await _may_be_jwt(issuer, held) else 0
    if latest and ends_at > latest:
        raise InvalidInput("ends_at: a JWT ends by its own exp at the latest; create another token")


async def _may_be_jwt(issuer: Issuer, held: GrantSnapshot) -> bool:
    """Whether a token of this client and for these resources would be a JWT alone if it were issued now."""
    client = await issuer.store.clients.get(held.grant.client_id)
    own = held.access.audience if held.access else None
    audience = held.grant.audience if own is None else own
    wanted = profile_for(issuer, client, audience, is_client_grant=False).format if client else None
    return wanted is AccessTokenFormat.JWT


@audited("token.update", "grant:grant_id", changed="changed", often=True)
async def _update_by_id(
    issuer: Issuer, grant_id: str, access_hash: str, changes: TokenChanges, changed: Mapping[str, Any]
) -> GrantSnapshot:
    """Change the token by the id of its grant, which the audit log may hold; the caller's identifier may be the token."""
    found = await _compare_and_set(issuer, grant_id, access_hash, changes)
    if found is None:
        raise _no_token()
    names = [name for name in changed if _MEMBERS[name](found.seen) != _MEMBERS[name](found.held)]
    note_changed(names)
    log.info(Event.TOKEN_UPDATED, extra={"grant_id": grant_id, "changed": sorted(names)})
    return found.held


async def update_grant(issuer: Issuer, grant_id: str, changes: TokenChanges) -> bool:
    """Change a whole grant, which limits the scope of its access tokens; return whether it was alive. Raises NotAllowed."""
    return await _compare_and_set(issuer, grant_id, "", changes) is not None


def check_scopes(client: Client, scopes: tuple[str, ...]) -> None:
    """Check that the client may have these scopes. Raises NotAllowed."""
    if foreign := [word for word in scopes if word not in client.scopes]:
        raise NotAllowed(f"scopes: {foreign[0]} is unknown or not allowed for this client")


class _Changed(NamedTuple):
    """A grant as it was, and as it is now."""

    seen: GrantSnapshot
    held: GrantSnapshot


_MEMBERS: Mapping[str, Callable[[GrantSnapshot], object]] = {
    "scopes": lambda one: (one.grant.scope, one.access and one.access.scope),
    "properties": lambda one: (one.grant.properties, one.access and one.access.properties),
    "ends_at": lambda one: one.access_ends_at,
    "refresh_ends_at": lambda one: one.refresh_ends_at,
}
"""What the members of ``TokenChanges`` are of a stored grant."""


async def _compare_and_set(issuer: Issuer, grant_id: str, access_hash: str, changes: TokenChanges) -> _Changed | None:
    """Read the token, change it, compare and set; repeat where another change was first. None if it has ended."""
    for _ in range(_TRIES):
        seen = await issuer.store.grant_updates.read(grant_id, access_hash)
        if seen is None:
            return None
        update = await _with_changes(issuer, seen, changes)
        if update is None:
            return None
        answer = await issuer.store.grant_updates.write(seen, update)
        if answer is UpdateAnswer.ENDED:
            return None
        if answer is UpdateAnswer.UPDATED:
            held = await issuer.store.grant_updates.read(grant_id, access_hash)
            return None if held is None else _Changed(seen, held)
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


def _no_token() -> NotFound:
    return NotFound("there is no such access token: it was ended, or has expired")
