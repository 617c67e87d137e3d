"""Bounds in bytes for what waits in Redis on behalf of users who are not signed in, and of clients that anyone may name."""

import logging

from service.issuer import Issuer
from service.login.interaction import CrowdedError
from service.observe.events import Event
from service.protocol.networks import network_of, wide_network_of
from service.records.client import Client
from service.store.waiting import AdmitAnswer

log = logging.getLogger(__name__)

OVERHEAD = 200
"""Bytes that a key costs in Redis besides its value."""


async def admit(issuer: Issuer, client: Client, address: str, size: int, seconds: int, *, what: str) -> None:
    """Admit a request of so many bytes, as everyone who knows an unauthenticated client's client_id may send it.

    One round trip for such a client, none for others.

    Args:
        issuer: Ours.
        client: Whose request it is.
        address: Where it came from.
        size: Bytes, without those of its own key.
        seconds: For which it waits.
        what: The kind of request: each has bounds of its own.

    Raises:
        CrowdedError: Too much waits already for unauthenticated clients.
        TemporarilyUnavailable: Redis is.
    """
    if not (client.public or client.self_registered):
        return
    await take_room(issuer, address, f"{client.client_id}@{network_of(address)}", size, seconds, what=what)


async def take_room(issuer: Issuer, address: str, sender: str, size: int, seconds: int, *, what: str = "") -> None:
    """Take room for so many bytes and their key, within the bounds of the network, of the sender, and of all. One round trip.

    Args:
        issuer: Ours.
        address: Where it came from.
        sender: A browser or session, or a client in its network.
        size: Bytes, without those of its own key.
        seconds: For which it waits.
        what: The kind: each has bounds of its own.

    Raises:
        CrowdedError: One of the bounds would be exceeded.
        TemporarilyUnavailable: Redis is.
    """
    network = wide_network_of(address)
    answer = await issuer.store.waiting.admit(network, sender, size + OVERHEAD, seconds, what=what)
    if answer is not AdmitAnswer.ADMITTED:
        issuer.metrics.security_event(Event.PENDING_REQUESTS_LIMITED)
        log.info(Event.PENDING_REQUESTS_LIMITED, extra={"share_of": answer.value, "network": network})
        raise CrowdedError
