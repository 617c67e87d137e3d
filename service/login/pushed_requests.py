"""Pushed authorization requests (RFC 9126): kept for the user's browser, which comes with their request_uri, and spent once.

Reading spends nothing, so that a page may be loaded again; what ends an interaction does. Of several that began with the same
request one ends with a response.
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
"""In front of the secret (RFC 9126 section 2.2)."""
_FORM = re.compile(rf"{Kind.PUSHED_REQUEST}[A-Za-z0-9_-]{{43}}", re.ASCII)
_CLOCKS = 60
"""Seconds by which Redis' clock may be ahead of ours: what was spent must not be forgotten before the last interaction."""


def lifetime(issuer: Issuer, client: Client) -> int:
    """Return the seconds that a pushed request of this client lives: ``par_lifetime``, or less where its profile says so."""
    most = issuer.demands_on(client).pushed_lifetime
    return issuer.settings.par_lifetime if most is None else min(most, issuer.settings.par_lifetime)


async def push(
    issuer: Issuer, client: Client, parameters: Parameters, address: str, replay_checks: Sequence[ReplayCheck] = ()
) -> str:
    """Keep a request that was checked, for its ``lifetime``; return its request_uri. One round trip.

    Of a client that proved nothing another one first, and there is room for so many bytes only, of requests and of what
    their proofs leave: the ``replay_checks`` are under way from then on.

    Raises:
        CrowdedError: There is none.
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
        reference: What its channel knows it by: the hash of its secret.
        by: A word of who spends it, who may do so again; else nobody may.

    Raises:
        StaleError: Another interaction ended with it.
        TemporarilyUnavailable: Redis is.
    """
    settings = issuer.settings
    ends_at = int(issuer.clock()) + settings.par_lifetime + settings.ticket_lifetime + _CLOCKS
    if not await issuer.store.pushed_requests.spend(reference, by or base64url(issuer.randomness(16)), ends_at):
        raise StaleError
