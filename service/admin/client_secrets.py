"""Secrets of clients: generated or imported, stored as hashes, or sealed where they have to be read again."""

import re

from service.admin.client_input import ClientInput
from service.admin.errors import InvalidInput
from service.client_auth import has_secret
from service.client_auth.secret import MAX_SECRET
from service.crypto.passwords import hash_generated
from service.issuer import Issuer
from service.protocol.credentials import Kind, new_secret
from service.protocol.names import ClientAuthMethod, HmacAlgorithm
from service.records.client import Client, ClientSecret

MIN_SECRET = 8
"""The fewest characters of an imported secret; generated ones have 49."""
_OF_OURS = re.compile(rf"{Kind.CLIENT_SECRET}[A-Za-z0-9_-]{{43,}}", re.ASCII)
_CHARACTERS_OF_RANDOM = 16
"""The fewest different characters of a random secret."""


def check_secret(secret: str) -> None:
    """Check a secret that is to be imported (RFC 6749 appendix A.2: printable ASCII). Raises InvalidInput."""
    if not secret.isascii() or not secret.isprintable():
        raise InvalidInput("secret: must be printable ASCII (RFC 6749 appendix A.2)")
    if not MIN_SECRET <= len(secret) <= MAX_SECRET:
        raise InvalidInput(
            f"secret: must have {MIN_SECRET} to {MAX_SECRET} characters; leave it out and one is generated"
        )


async def make_secret(
    issuer: Issuer, owner: Client | ClientInput, imported: str | None
) -> tuple[str | None, tuple[ClientSecret, ...]]:
    """Return the secret in clear where we made it, and its records; none where the method needs none. Raises InvalidInput."""
    if not has_secret(owner.auth_method):
        return None, ()
    now, algorithm = int(issuer.clock()), HmacAlgorithm.HS256
    if owner.auth_method == ClientAuthMethod.CLIENT_SECRET_JWT:
        algorithm = HmacAlgorithm(owner.token_endpoint_auth_signing_alg or algorithm)
    secret = new_secret(Kind.CLIENT_SECRET, issuer.randomness, algorithm.bytes) if imported is None else imported
    sealed = ("", "")
    if owner.auth_method == ClientAuthMethod.CLIENT_SECRET_JWT:
        sealed = _sealed(issuer, owner, secret, algorithm)
    if imported is None:
        return secret, (ClientSecret(hash_generated(secret), now, *sealed),)
    check_secret(secret)
    if _is_random(secret):  # made by an operator in Kubernetes, or by another Mintmark: it cannot be guessed
        return None, (ClientSecret(hash_generated(secret), now, *sealed),)
    return None, (ClientSecret(await issuer.hashing.hash(secret), now, *sealed),)


def _is_random(secret: str) -> bool:
    """Whether it looks generated: of secrets with 256 random bits hardly one in 10^20 has fewer different characters."""
    return _OF_OURS.fullmatch(secret) is not None and len(set(secret)) >= _CHARACTERS_OF_RANDOM


def check_sealing(issuer: Issuer) -> None:
    """Check that secrets can be stored readably, as client_secret_jwt needs it. Raises InvalidInput."""
    if not issuer.sealing.current:
        raise InvalidInput("auth_method: client_secret_jwt needs the setting master_key, to keep secrets encrypted")


def _sealed(issuer: Issuer, owner: Client | ClientInput, secret: str, algorithm: HmacAlgorithm) -> tuple[str, str]:
    """Return the encrypted secret, and the name of its master key. Raises InvalidInput where it is too short for its HMAC."""
    check_sealing(issuer)
    if len(secret) < algorithm.bytes:
        raise InvalidInput(
            f"secret: must have {algorithm.bytes} characters or more for {algorithm} (RFC 7518 section 3.2)"
        )
    return issuer.sealing.seal_text(secret, owner.client_id, issuer.randomness), issuer.sealing.current
