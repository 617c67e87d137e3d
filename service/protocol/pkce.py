"""Proof Key for Code Exchange (RFC 7636)."""

import re
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest

from service.protocol.credentials import base64url
from service.protocol.errors import InvalidGrant, InvalidRequest

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


class ChallengeMethod(StrEnum):
    """``code_challenge_method`` (RFC 7636 section 4.3)."""

    S256 = "S256"
    PLAIN = "plain"


_PLAIN = ChallengeMethod.PLAIN
_WANTED = {
    ChallengeMethod.S256: "the 43 characters of base64url that S256 makes, without padding (RFC 7636 section 4.2)",
    ChallengeMethod.PLAIN: "43 to 128 unreserved characters (RFC 7636 section 4.2)",
}
"""The form of a challenge, for the client that sends another."""


def check_challenge(challenge: str | None, method: str | None, *, plain_allowed: bool, required: bool) -> str | None:
    """Return the method of the challenge in an authorization request, None where there is no challenge.

    A challenge without a method is ``plain`` (RFC 7636 4.3). Raises InvalidRequest for a missing challenge where one is
    required, an unknown or forbidden method, a method without challenge, and a malformed challenge.
    """
    if challenge is None:
        if method is not None:
            raise InvalidRequest("code_challenge_method is given without code_challenge.")
        if required:
            raise InvalidRequest("code_challenge is required (PKCE, RFC 7636).")
        return None
    chosen = method or ChallengeMethod.PLAIN
    if chosen == ChallengeMethod.PLAIN and not plain_allowed:
        raise InvalidRequest("code_challenge_method must be S256.")
    if chosen not in (ChallengeMethod.S256, ChallengeMethod.PLAIN):
        raise InvalidRequest("code_challenge_method is not supported; use S256.")
    if not _VERIFIER.fullmatch(challenge) or (chosen == ChallengeMethod.S256 and len(challenge) != 43):
        raise InvalidRequest(f"code_challenge must be {_WANTED[ChallengeMethod(chosen)]}.")
    return chosen


def check_verifier(verifier: str | None, challenge: str | None, method: str | None) -> None:
    """Check a code_verifier against the challenge of the code (RFC 7636 section 4.6).

    Raises InvalidGrant where the verifier is missing or wrong, and where a verifier comes without a challenge: the
    authorization request may have been stripped of it (RFC 9700 section 2.1.1, PKCE downgrade).
    """
    if challenge is None:
        if verifier is not None:
            raise InvalidGrant("code_verifier is given, but the authorization request had no code_challenge.")
        return
    if verifier is None:
        raise InvalidGrant("code_verifier is missing: the code was requested with a code_challenge.")
    if not _VERIFIER.fullmatch(verifier):
        raise InvalidGrant("code_verifier is malformed: 43 to 128 unreserved characters.")
    computed = verifier if method == _PLAIN else s256(verifier)
    if not compare_digest(computed, challenge):
        raise InvalidGrant("code_verifier does not match the code_challenge.")


def s256(verifier: str) -> str:
    """Return BASE64URL(SHA256(ASCII(verifier))), 43 characters (RFC 7636 section 4.2)."""
    return base64url(sha256(verifier.encode("ascii")).digest())
