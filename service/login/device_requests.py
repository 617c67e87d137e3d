"""Requests of devices (RFC 8628): begun with a code for the user to enter, and found by it."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from service.issuer import Issuer
from service.login.admission import OVERHEAD, admit
from service.login.tickets import may_still_ask
from service.protocol import user_codes
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.credentials import Kind
from service.protocol.errors import TemporarilyUnavailable
from service.records.client import Client
from service.records.interaction import DEVICE
from service.records.polled_request import PolledRequest
from service.store.replay_checks import ReplayCheck, start
from service.tokens import polled_requests

DEVICE_PATH = "/device"
"""The page on which users enter the code of their device."""
_TRIES = 5


class BegunDevice(NamedTuple):
    """The response for a device (RFC 8628 section 3.2)."""

    device_code: str
    user_code: str
    """The user code as users see it."""
    expires_in: int
    """Seconds."""
    interval: int
    """Seconds."""


async def begin_device_request(
    issuer: Issuer,
    client: Client,
    request: AuthorizationRequest,
    address: str,
    replay_checks: Sequence[ReplayCheck] = (),
) -> BegunDevice:
    """Store a validated request for its user. One round trip; for an unauthenticated client another one first.

    Args:
        issuer: Ours.
        client: Whose device it is.
        request: The authorization request.
        address: Where it came from.
        replay_checks: Of its proofs, which are started once the request is admitted.

    Raises:
        CrowdedError: Too much waits already.
        TemporarilyUnavailable: Redis is.
    """
    lifetime, interval = issuer.settings.device_code_lifetime, issuer.settings.device_poll_interval
    record = PolledRequest(request, client.generation, int(issuer.clock()) + lifetime)
    size = len(record.encode()) + (1 + len(replay_checks)) * OVERHEAD
    await admit(issuer, client, address, size, lifetime, what=DEVICE)
    start(replay_checks)
    begun = polled_requests.prepare(issuer, Kind.DEVICE_CODE)
    code = user_codes.new_user_code(issuer.randomness)
    _, is_ours = await asyncio.gather(
        polled_requests.begin(issuer, client, begun, record, interval=interval, lifetime=lifetime),
        issuer.store.user_codes.reserve(code, begun.reference, lifetime),
    )
    for _ in range(_TRIES):
        if is_ours:
            return BegunDevice(begun.credential, user_codes.shown(code), lifetime, interval)
        code = user_codes.new_user_code(issuer.randomness)
        is_ours = await issuer.store.user_codes.reserve(code, begun.reference, lifetime)
    raise TemporarilyUnavailable(log="no user code is free")


async def load(issuer: Issuer, reference: str) -> tuple[PolledRequest, Client] | None:
    """Load a request that is not decided yet, with its client; None where that may not ask for it any more."""
    record = await polled_requests.load(issuer, reference)
    client = await issuer.store.clients.get(record.request.client_id) if record is not None else None
    if record is None or client is None:
        return None
    may_ask = may_still_ask(issuer, client, record.client_generation, record.request, DEVICE)
    return (record, client) if may_ask else None
