"""Comparing a client secret: shared by the methods that send one."""

from service.client_auth.evidence import ClientEvidence
from service.client_auth.method import HOLDS, Proof
from service.concurrency.fair_queue import Requester, RequesterGroup
from service.crypto.passwords import is_generated, matches_generated, requested_by
from service.issuer import Issuer
from service.protocol.networks import wide_network_of
from service.records.client import Client

MAX_SECRET = 1024
"""The most characters of a client secret; a longer one is wrong."""


async def verify_secret(issuer: Issuer, client: Client, evidence: ClientEvidence) -> Proof | None:
    """Accept any spelling in the evidence of any of the client's secrets (two while one is being replaced); None if none is."""
    for secret in evidence.secrets:
        if len(secret) > MAX_SECRET:
            continue
        for known in client.secrets:
            held = known.hash
            if (
                matches_generated(secret, held)
                if is_generated(held)
                else await _matches(issuer, evidence, secret, held)
            ):
                return HOLDS
    return None


async def _matches(issuer: Issuer, evidence: ClientEvidence, secret: str, held: str) -> bool:
    """Compare an imported secret, whose hashing is queued with that of other clients, in the turn of its network.

    What comes by a backend waits in the turn of its client, as the network is that of all clients.
    """
    request = evidence.request
    turn = evidence.client_id if request.by_backend else wide_network_of(request.address)
    with requested_by(Requester(RequesterGroup.CLIENTS, turn)):
        return await issuer.hashing.verify_secret(secret, held)
