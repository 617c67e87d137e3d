"""Ending what a client holds: disabled, revoked, deleted, and what that leaves in Redis swept."""

import logging

import msgspec

from service.admin.audit import audited
from service.admin.client_numbers import forget_number
from service.admin.clients import change_client, get_client
from service.admin.errors import NotFound
from service.admin.paging import cursor_checked
from service.hooks.facts import Revoked, about_revoked
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.names import HookEvent
from service.records.client import Client
from service.store.grants import NEVER

log = logging.getLogger(__name__)


@audited("client.disable", "client:name")
async def disable_client(issuer: Issuer, name: str) -> Client:
    """Refuse the client, and whatever it was issued, from now on until it is enabled again. Raises NotFound."""
    return await _enable(issuer, name, enabled=False)


@audited("client.enable", "client:name")
async def enable_client(issuer: Issuer, name: str) -> Client:
    """Take back ``disable_client``: what it was issued and has not expired counts again. Raises NotFound."""
    return await _enable(issuer, name, enabled=True)


@audited("client.revoke", "client:name")
async def revoke_client(issuer: Issuer, name: str) -> Client:
    """End everything issued to the client so far, at once and for good; it may ask anew. Raises NotFound."""

    def changed(client: Client) -> Client:
        return client.ended(_milliseconds(issuer))

    client_id = (await get_client(issuer, name)).client_id
    facts = about_revoked(Revoked.CLIENT, "revoked_by_operator", client_id=client_id)
    async with issuer.hooks.notifying(HookEvent.REVOKED, **facts):
        client = await change_client(issuer, name, changed)
    log.info(Event.CLIENT_REVOKED, extra={"client_id": client.client_id})
    return client


@audited("client.delete", "client:name")
async def delete_client(issuer: Issuer, name: str) -> Client:
    """Delete a client, and with it everything it was issued; the client as it was, disabled. Raises NotFound."""
    try:
        client = await get_client(issuer, name)
    except NotFound:
        await issuer.store.clients.publish_change(
            name
        )  # an earlier try may have been cut off before it told the others
        raise
    facts = about_revoked(Revoked.CLIENT, "deleted", client_id=client.client_id)
    async with issuer.hooks.notifying(HookEvent.REVOKED, **facts):
        if not await issuer.store.clients.delete(client):
            raise NotFound(f"client {name!r} was deleted meanwhile")
    if client.registration is not None:
        issuer.store.registrations.release_soon(client.client_id, client.registration.network)
    await forget_number(issuer, client.client_id)
    log.info(Event.CLIENT_DELETED, extra={"client_id": client.client_id})
    return msgspec.structs.replace(client, enabled=False)


def needs_sweep(issuer: Issuer, client: Client) -> bool:
    """Whether grants of this client never end by themselves."""
    return not _refresh_tokens_end(issuer, client)


async def sweep_client(issuer: Issuer, client: Client) -> int:
    """Free what ``revoke_client`` or ``delete_client`` left in Redis without an end; how many grants that were.

    They are dead already. Only refresh tokens that never expire need this: all else ends by its TTL. Walks over the keys.
    """
    if not needs_sweep(issuer, client):
        return 0
    swept, cursor = 0, ""
    while True:
        ended, cursor = await sweep_client_page(issuer, client.client_id, cursor, 1000)
        swept += ended
        if not cursor:
            return swept


async def sweep_client_page(issuer: Issuer, client_id: str, cursor: str = "", count: int = 100) -> tuple[int, str]:
    """A part of ``sweep_client``, by the client as it is now: how many grants were freed, and the cursor of the next part,
    empty at the end. Looks at some ``10 × count`` keys. Raises Refused for a bad cursor.
    """
    client = await issuer.store.clients.read(client_id)
    generation = client.generation if client is not None and client.client_id == client_id else None
    with cursor_checked(cursor):
        page = await issuer.store.grants.list_of_client(client_id, cursor, count)
    swept = 0
    for listed in page.grants:
        if listed.ends_at == NEVER and (generation is None or listed.grant.client_generation < generation):
            swept += await issuer.store.grants.revoke(listed.grant_id, listed.grant.subject)
    return swept, page.cursor


# how it is done


def _refresh_tokens_end(issuer: Issuer, client: Client) -> bool:
    settings = issuer.settings
    idle, absolute = client.refresh_idle_lifetime, client.refresh_absolute_lifetime
    return bool(
        (settings.refresh_idle_lifetime if idle is None else idle)
        or (settings.refresh_absolute_lifetime if absolute is None else absolute)
    )


def _milliseconds(issuer: Issuer) -> int:
    return int(issuer.clock() * 1000)


async def _enable(issuer: Issuer, name: str, *, enabled: bool) -> Client:
    client = await change_client(issuer, name, lambda client: msgspec.structs.replace(client, enabled=enabled))
    log.info(Event.CLIENT_ENABLED if enabled else Event.CLIENT_DISABLED, extra={"client_id": client.client_id})
    return client
