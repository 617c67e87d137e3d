"""Comparing a presented client secret: shared by the methods that send one."""

from service.client_auth.method import HOLDS, Presented, Proof
from service.issuer import Issuer
from service.records.client import Client

MAX_SECRET = 1024
"""Characters of a client secret; a longer one is wrong."""


async def verify_secret(issuer: Issuer, client: Client, presented: Presented) -> Proof | None:
    """Whether any of the presented spellings is any of the client's secrets (two while one is being replaced)."""
    for secret in presented.secrets:
        if len(secret) > MAX_SECRET:
            continue
        for known in client.secrets:
            if await issuer.hashing.verify_secret(secret, known.hash):
                return HOLDS
    return None
