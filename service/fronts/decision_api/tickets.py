"""Tickets: they bind the two phases of a decision, for one caller and one use (AU-15)."""

import msgspec

from service.fronts.decision_api.route import Call
from service.protocol.credentials import base64url
from service.records.client import Client
from service.records.decision_ticket import DecisionTicket, PasswordRequest

_MAX = 64


class TicketError(Exception):
    """Unknown, used, expired, another caller's, or for another call: which of them is not told."""


async def give(call: Call, record: DecisionTicket) -> str:
    """Let a decision wait for this caller; the ticket has 256 random bits. One round trip."""
    ticket = base64url(call.issuer.randomness(32))
    await call.issuer.store.decision_tickets.keep(ticket, record, call.issuer.settings.ticket_lifetime)
    return ticket


async def look_up(call: Call, ticket: str) -> DecisionTicket:
    """What waits under a ticket of this caller. One round trip. Raises TicketError."""
    record = None
    if ticket.isascii() and 0 < len(ticket) <= _MAX:
        record = await call.issuer.store.decision_tickets.get(ticket)
    if record is None or record.taken or record.api_key != call.api_key:
        raise TicketError
    return record


async def use(call: Call, ticket: str, seen: DecisionTicket) -> None:
    """Use it up: of several at once one succeeds, the others raise TicketError. One round trip."""
    taken: DecisionTicket = msgspec.structs.replace(seen, taken=base64url(call.issuer.randomness(16)))
    if not await call.issuer.store.decision_tickets.take(ticket, seen, taken):
        raise TicketError


async def client_of(call: Call, record: DecisionTicket) -> Client:
    """The client of a ticket, if it is still what it was. Raises TicketError."""
    client = await call.issuer.store.clients.get(record.client_id)
    if client is None or not client.enabled or client.generation != record.client_generation:
        raise TicketError
    return client


def password_of(record: DecisionTicket) -> PasswordRequest:
    """Raises TicketError for a ticket of another call."""
    if record.password is None:
        raise TicketError
    return record.password
