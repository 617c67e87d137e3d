"""Approval of clients that registered themselves, by an operator who has checked them (RFC 7591 section 5)."""

import logging

from msgspec import structs

from service.admin import etags
from service.admin.audit import audited
from service.admin.clients import ClientName, change_client
from service.admin.errors import InvalidInput
from service.admin.input import IfMatch
from service.issuer import Issuer
from service.observe.events import Event
from service.records.client import Client

log = logging.getLogger(__name__)


@audited("client.approve", "client:client_id")
async def approve_client(issuer: Issuer, client_id: ClientName, if_match: IfMatch = None) -> Client:
    """Approve a client that registered itself, after its name and addresses have been checked.

    Users are no longer warned, and errors are redirected at once, as with other clients. The approval lasts until the client
    changes its metadata (RFC 7592). Raises NotFound, Outdated (``etags.check``), InvalidInput where it did not register itself.
    """
    client = await _set_approved(issuer, client_id, approved=True, if_match=if_match)
    log.info(Event.CLIENT_APPROVED, extra={"client_id": client.client_id})
    return client


@audited("client.withdraw_approval", "client:client_id")
async def withdraw_approval(issuer: Issuer, client_id: ClientName) -> Client:
    """Take back ``approve_client``. Raises NotFound, InvalidInput where it did not register itself."""
    client = await _set_approved(issuer, client_id, approved=False)
    log.info(Event.CLIENT_APPROVAL_WITHDRAWN, extra={"client_id": client.client_id})
    return client


async def _set_approved(issuer: Issuer, name: str, *, approved: bool, if_match: str | None = None) -> Client:
    def changed(client: Client) -> Client:
        etags.check(client, if_match)
        if client.registration is None:
            raise InvalidInput(f"client {client.client_id} did not register itself: there is nothing to approve")
        registration = structs.replace(client.registration, approved=approved, registered_openly=False)
        wanted: Client = structs.replace(client, registration=registration)
        return wanted

    return await change_client(issuer, name, changed)
