"""Pushed authorization requests (RFC 9126): kept for the user's browser, which brings their request_uri, and spent once.

Reading spends nothing, so that a page may be loaded again; the end of an interaction does. Of several interactions with the
same request, one ends with a response.
"""

import re
from collections.abc import Sequence

from service.crypto import sealing
from service.issuer import Issuer
from service.login.admission import OVERHEAD, admit
from service.login.interaction import StaleError
from service.login.request_object import Parameters
from service.protocol.credentials import Kind, base64url, hashed, new_secret
from service.protocol.errors import InvalidRequestUri
from service.records.client import Client
from service.records.interaction import PUSHED
from service.records.pushed_request import PushedRequest
from service.store.replay_checks import ReplayCheck, start

URN = "urn:ietf:params:oauth:request_uri:"
"""The beginning of a request_uri (RFC 9126 section 2.2)."""
_FORM = re.compile(rf"{Kind.PUSHED_REQUEST}[A-Za-z0-9_-]{{43}}", re.ASCII)
_CLOCKS = 60
"""Seconds by which the clock of Redis may be ahead of ours: a spent request is remembered until no interaction has it."""


def lifetime(issuer: Issuer, client: Client) -> int:
    """Return the lifetime in seconds of a pushed request of this client: ``par_lifetime``, or less by its profile."""
    most = issuer.demands_on(client).pushed_lifetime
    return issuer.settings.par_lifetime if most is None else min(most, issuer.settings.par_lifetime)


async def push(
    issuer: Issuer, client: Client, parameters: Parameters, address: str, replay_checks: Sequence[ReplayCheck] = ()
) -> str:
    """Store a validated request for its ``lifetime``, and return its request_uri. One round trip.

    For an unauthenticated client another one first, with a bound in bytes for requests and for what their proofs leave: the
    ``replay_checks`` are under way from then on.

    Raises:
        CrowdedError: Too much waits already.
        TemporarilyUnavailable: Redis is.
    """
    record = PushedRequest(
        client.client_id,
        client.generation,
        dict(parameters.single),
        parameters.resources,
        parameters.payload,
    )
    secret = new_secret(Kind.PUSHED_REQUEST, issuer.randomness)
    sealed = sealing.seal(record.encode(), secret, issuer.randomness(sealing.NONCE_BYTES))
    size = len(sealed) + len(replay_checks) * OVERHEAD
    await admit(issuer, client, address, size, issuer.settings.par_lifetime, what=PUSHED)
    start(replay_checks)
    await issuer.store.pushed_requests.keep(secret, sealed, lifetime(issuer, client))
    return URN + secret


async def load(issuer: Issuer, client: Client, request_uri: str) -> Parameters:
    """Return the parameters that this client pushed. One round trip. Raises InvalidRequestUri, TemporarilyUnavailable."""
    secret = request_uri.removeprefix(URN)
    sealed = await issuer.store.pushed_requests.get(secret) if _FORM.fullmatch(secret) else None
    content = sealing.unseal(sealed, secret) if sealed else None
    if content is None:
        raise InvalidRequestUri("The request_uri is unknown, was used, or has expired.")
    pushed = PushedRequest.decode(content)
    if pushed.client_id != client.client_id:
        raise InvalidRequestUri("The request_uri is another client's.", log=f"pushed by {pushed.client_id}")
    if pushed.client_generation != client.generation:
        raise InvalidRequestUri("The request_uri is unknown, was used, or has expired.", log="the client was revoked")
    return Parameters(pushed.parameters, pushed.resources, pushed.payload, PUSHED, hashed(secret))


async def spend(issuer: Issuer, reference: str, by: str = "") -> None:
    """Spend a request at the end of an interaction. One round trip.

    Args:
        issuer: Ours.
        reference: Its name in its channel: the hash of its secret.
        by: A random word of the caller, which may spend it again; no other caller may.

    Raises:
        StaleError: Another interaction ended with it.
        TemporarilyUnavailable: Redis is.
    """
    settings = issuer.settings
    ends_at = int(issuer.clock()) + settings.par_lifetime + settings.ticket_lifetime + _CLOCKS
    if not await issuer.store.pushed_requests.spend(reference, by or base64url(issuer.randomness(16)), ends_at):
        raise StaleError
