"""Tickets, which connect the two calls about one request, for one caller and one use (AU-15)."""

from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from service.crypto import sealing
from service.fronts.decision_api.call import Call
from service.login.interaction import StaleError
from service.login.pushed_requests import spend
from service.observe.current import note_client
from service.protocol.backchannel_request import BackchannelRequest
from service.protocol.credentials import Kind, base64url, hashed, new_secret
from service.protocol.errors import TemporarilyUnavailable
from service.records.client import Client
from service.records.decision_ticket import DecisionTicket, PasswordRequest

_MAX = 64


class TicketError(Exception):
    """A ticket is unknown, used, expired, another caller's, or for another call; callers do not learn which."""


async def give(call: Call, record: DecisionTicket) -> str:
    """Store a request for this caller and return its ticket of 256 random bits. One round trip."""
    ticket = new_secret(Kind.TICKET, call.issuer.randomness)
    if record.password is not None:
        # Usernames are sealed in Redis: only the ticket opens them, and Redis has no more than its hash.
        username = record.password.username.encode("utf-8", "surrogatepass")
        sealed = base64url(sealing.seal(username, ticket, call.issuer.randomness(sealing.NONCE_BYTES)))
        password = msgspec.structs.replace(record.password, username="", sealed_username=sealed)
        record = msgspec.structs.replace(record, password=password)
    await call.issuer.store.decision_tickets.keep(ticket, record, call.issuer.settings.ticket_lifetime)
    return ticket


async def look_up(call: Call, ticket: str) -> DecisionTicket:
    """Return the request under a ticket of this caller. One round trip. Raises TicketError."""
    record = None
    if ticket.isascii() and 0 < len(ticket) <= _MAX:
        record = await call.issuer.store.decision_tickets.get(ticket)
    if record is None or record.taken or record.api_key != call.api_key:
        raise TicketError
    note_client(record.client_id)
    return record


@asynccontextmanager
async def used(call: Call, ticket: str, seen: DecisionTicket) -> AsyncIterator[None]:
    """Use a ticket up for the act in the block: of several concurrent calls one succeeds. One round trip.

    If the block raises TemporarilyUnavailable the ticket can be used again. Raises TicketError.
    """
    held = call.issuer.store.decision_tickets
    taken: DecisionTicket = msgspec.structs.replace(seen, taken=base64url(call.issuer.randomness(16)))
    try:
        if not await held.take(ticket, seen, taken):
            raise TicketError
        if seen.pushed:
            await spend(call.issuer, seen.pushed, by=hashed(ticket))
        yield
    except StaleError as error:  # the pushed request was used under another ticket
        raise TicketError from error
    except TemporarilyUnavailable:
        held.release_soon(ticket, seen, taken)
        raise


async def client_of(call: Call, record: DecisionTicket) -> Client:
    """Return the client of a ticket, if it was not changed or disabled meanwhile. Raises TicketError."""
    client = await call.issuer.store.clients.get(record.client_id)
    if client is None or not client.enabled or client.generation != record.client_generation:
        raise TicketError
    return client


async def give_backchannel(call: Call, record: DecisionTicket, ciba_request: BackchannelRequest) -> str:
    """Store a CIBA request for this caller, sealed under its ticket, which is returned. One round trip."""
    ticket = new_secret(Kind.TICKET, call.issuer.randomness)
    sealed = sealing.seal(msgspec.json.encode(ciba_request), ticket, call.issuer.randomness(sealing.NONCE_BYTES))
    kept = msgspec.structs.replace(record, sealed_backchannel=base64url(sealed))
    await call.issuer.store.decision_tickets.keep(ticket, kept, call.issuer.settings.ticket_lifetime)
    return ticket


def backchannel_of(record: DecisionTicket, ticket: str) -> BackchannelRequest:
    """Return the CIBA request of a ticket. Raises TicketError for a ticket of another call."""
    opened = sealing.unseal(urlsafe_b64decode(record.sealed_backchannel + "=="), ticket)
    if not record.sealed_backchannel or opened is None:
        raise TicketError
    return msgspec.json.decode(opened, type=BackchannelRequest)


def password_of(record: DecisionTicket, ticket: str) -> PasswordRequest:
    """Return the password request of a ticket. Raises TicketError for a ticket of another call."""
    request = record.password
    if request is None:
        raise TicketError
    if not request.sealed_username:
        return request
    opened = sealing.unseal(urlsafe_b64decode(request.sealed_username + "=="), ticket) or b""
    return msgspec.structs.replace(request, username=opened.decode("utf-8", "surrogatepass"), sealed_username="")
