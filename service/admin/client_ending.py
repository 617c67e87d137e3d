"""Ending clients: disabling, revoking, deleting, and sweeping what that leaves in Redis."""

import logging
from typing import Annotated, NamedTuple

import msgspec
from pydantic import Field

from service.admin import etags
from service.admin.audit import audited
from service.admin.client_numbers import forget_number
from service.admin.clients import ClientName, change_client, get_client
from service.admin.errors import NotFound
from service.admin.paging import cursor_checked
from service.hooks.facts import Revoked, about_revoked
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.names import HookEvent
from service.records.client import Client
from service.store.ends import NEVER
from service.store.record_store import ChangedMeanwhileError

log = logging.getLogger(__name__)


@audited("client.disable", "client:client_id")
async def disable_client(issuer: Issuer, client_id: ClientName) -> Client:
    """Refuse the client and everything that it was issued, until it is enabled again. Raises NotFound."""
    return await _enable(issuer, client_id, enabled=False)


@audited("client.enable", "client:client_id")
async def enable_client(issuer: Issuer, client_id: ClientName) -> Client:
    """Take back ``disable_client``: unexpired credentials of the client are valid again. Raises NotFound."""
    return await _enable(issuer, client_id, enabled=True)


@audited("client.revoke", "client:client_id")
async def revoke_client(issuer: Issuer, client_id: ClientName) -> Client:
    """End everything issued to the client so far, at once and for good; it may request new tokens. Raises NotFound."""
    client_id = (await get_client(issuer, client_id)).client_id
    facts = about_revoked(Revoked.CLIENT, "revoked_by_operator", client_id=client_id)
    async with issuer.hooks.notifying(HookEvent.REVOKED, **facts):
        client = await change_client(issuer, client_id, lambda seen: seen.ended(int(issuer.clock() * 1000)))
    log.info(Event.CLIENT_REVOKED, extra={"client_id": client.client_id})
    return client


@audited("client.delete", "client:client_id")
async def delete_client(issuer: Issuer, client_id: ClientName, if_match: str | None = None) -> Client:
    """Delete a client and everything that it was issued; return the client as it was, disabled.

    Raises NotFound, Outdated (``etags.check``).
    """
    try:
        client = await get_client(issuer, client_id)
        etags.check(client, if_match)
    except NotFound:
        await issuer.store.clients.publish_change(client_id)  # an earlier attempt may have been cut off before it
        raise
    facts = about_revoked(Revoked.CLIENT, "deleted", client_id=client.client_id)
    async with issuer.hooks.notifying(HookEvent.REVOKED, **facts):
        try:
            if not await issuer.store.clients.delete(client, only_as_read=etags.is_named(if_match)):
                raise NotFound(f"client {client_id!r} was deleted meanwhile")
        except ChangedMeanwhileError as error:
            raise etags.outdated() from error
    if client.registration is not None:
        issuer.store.self_registrations.release_soon(client.client_id, client.registration.network)
    await forget_number(issuer, client.client_id)
    log.info(Event.CLIENT_DELETED, extra={"client_id": client.client_id})
    return msgspec.structs.replace(client, enabled=False)


def needs_sweep(issuer: Issuer, client: Client) -> bool:
    """Whether grants of this client never end by themselves: its refresh tokens do not expire."""
    settings = issuer.settings
    idle, absolute = client.refresh_idle_lifetime, client.refresh_absolute_lifetime
    return not (
        (settings.refresh_idle_lifetime if idle is None else idle)
        or (settings.refresh_absolute_lifetime if absolute is None else absolute)
    )


class Swept(NamedTuple):
    """A part of the dead grants of a client."""

    grants: int
    """The number of deleted grants."""
    cursor: str
    """Where the next part begins, empty at the end."""


async def sweep_client(
    issuer: Issuer,
    client_id: ClientName,
    cursor: Annotated[str, Field(max_length=100)] = "",
    limit: Annotated[int, Field(ge=1, le=500)] = 500,
) -> Swept:
    """Delete a part of what ``revoke_client`` or ``delete_client`` left in Redis without an expiry.

    These grants are already invalid. Only refresh tokens that never expire need this: everything else ends by its TTL.
    Reads some ``10 × limit`` keys. Raises InvalidInput for a bad cursor.
    """
    client = await issuer.store.clients.read(client_id)
    generation = client.generation if client is not None and client.client_id == client_id else None
    with cursor_checked(cursor):
        page = await issuer.store.grants.list_of_client(client_id, cursor, limit)
    freed = 0
    for listed in page.grants:
        if listed.ends_at == NEVER and (generation is None or listed.grant.client_generation < generation):
            freed += await issuer.store.grants.revoke(listed.grant_id, listed.grant.subject)
    return Swept(freed, page.cursor)


# internals


async def _enable(issuer: Issuer, name: str, *, enabled: bool) -> Client:
    def changed(client: Client) -> Client:
        changed: Client = msgspec.structs.replace(client, enabled=enabled)
        # a client that is not stored would come back by its document, enabled
        return changed.adopted() if client.has_document and not enabled else changed

    client = await change_client(issuer, name, changed)
    log.info(Event.CLIENT_ENABLED if enabled else Event.CLIENT_DISABLED, extra={"client_id": client.client_id})
    return client
