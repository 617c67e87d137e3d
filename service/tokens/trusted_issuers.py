"""JWTs of trusted issuers: whether one is trusted for a purpose, and which user of ours it names."""

from collections.abc import Mapping
from typing import Any

from service.crypto.client_keys import ALGORITHMS, KeySource
from service.crypto.jws import UnverifiableError
from service.issuer import Issuer
from service.protocol.names import TrustUse
from service.records.client import Client
from service.records.trusted_issuer import TrustedIssuer
from service.tokens import assertions
from service.tokens.assertions import UnverifiedAssertion, VerifiedAssertion

MAX_SUBJECT = 255
_NOT_TRUSTED = "its issuer is not trusted for this client"


class UnknownIssuerError(UnverifiableError):
    """The issuer of the assertion is not registered here."""


async def trusted_issuer_of(
    issuer: Issuer, client: Client, assertion: UnverifiedAssertion, use: TrustUse
) -> TrustedIssuer:
    """Find the issuer of a JWT that this client brings for this purpose.

    Raises UnverifiableError, which does not say whether the issuer is trusted for other clients or purposes.
    """
    is_name = len(assertion.issuer) <= MAX_SUBJECT
    trusted = await issuer.store.trusted_issuers.get(assertion.issuer) if is_name else None
    if trusted is None:
        raise UnknownIssuerError(_NOT_TRUSTED)
    if (trusted.clients and client.client_id not in trusted.clients) or use not in trusted.uses:
        raise UnverifiableError(_NOT_TRUSTED)
    if assertion.algorithm not in (trusted.algorithms or ALGORITHMS):
        raise UnverifiableError(f"it is signed with {assertion.algorithm}, which its issuer does not use")
    if trusted.subjects and _asserted(trusted, assertion.jws.claims()) not in trusted.subjects:
        raise UnverifiableError("its issuer may not assert this subject")
    return trusted


def subject_of(trusted: TrustedIssuer, claims: Mapping[str, Any]) -> str:
    """Return the user here whom a JWT of this issuer is about. Raises UnverifiableError."""
    return checked_subject(trusted.subject_prefix + _asserted(trusted, claims), trusted.subject_claim)


def checked_subject(subject: str, claim: str = "sub") -> str:
    """Return a text that can be a subject. Raises UnverifiableError."""
    if len(subject) > MAX_SUBJECT or not (subject.isascii() and subject.isprintable()):
        raise UnverifiableError(f"{claim} must be printable ASCII of at most {MAX_SUBJECT} characters")
    return subject


async def verify_by_issuer(issuer: Issuer, trusted: TrustedIssuer, assertion: UnverifiedAssertion) -> VerifiedAssertion:
    """Verify a JWT by the keys of its issuer. Raises UnverifiableError."""
    source = KeySource(f"issuer {trusted.issuer}", trusted.jwks, trusted.jwks_uri, discovered_of=trusted.issuer)
    return await assertions.verify_by_keys(issuer, source, assertion, trusted.algorithms or ALGORITHMS)


def _asserted(trusted: TrustedIssuer, claims: Mapping[str, Any]) -> str:
    """Return the user as the issuer names them. Raises UnverifiableError."""
    value = claims.get(trusted.subject_claim)
    if not isinstance(value, str) or not value:
        raise UnverifiableError(f"it needs {trusted.subject_claim}, which says who is meant")
    return value
