"""DPoP proofs (RFC 9449): JWTs by which a client proves that it holds a key, verified by that key itself."""

import json
from collections.abc import Collection, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple, TypeGuard

from jwt.algorithms import get_default_algorithms

from mintmark_guard.jws import (
    ALGORITHMS,
    SKEW,
    UnverifiableError,
    base64url,
    decoded,
    fits,
    is_signed,
    json_object,
    parsed_key,
)
from mintmark_guard.target_uris import is_same_target

HEADER = "DPoP"
"""The header of requests."""
NONCE_HEADER = "DPoP-Nonce"
"""The header of responses."""
MAX_PROOF = 4096
"""The most characters of a proof: enough for an RSA key of 4096 bits."""
MAX_JTI = 255
AHEAD = 30
"""Seconds by which the clock of a client may be ahead of ours."""
_TYPE = "dpop+jwt"
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members of private and symmetric keys (RFC 7518 section 6)."""
_REQUIRED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
"""The members that a thumbprint is made of (RFC 7638 section 3.2, RFC 8037 section 2)."""
_IMPLEMENTED = get_default_algorithms()


class DpopProof(NamedTuple):
    """A proof for this request with a valid signature."""

    jkt: str
    """Thumbprint of its key (RFC 9449 section 6.1)."""
    jti: str
    issued_at: float
    """Epoch seconds by the client's clock, see ``check_age``."""
    nonce: str
    """The nonce, "" where it has none."""
    claims: Mapping[str, Any]


class _Key(NamedTuple):
    """The key in the header of a proof."""

    algorithm: str
    key: object
    jkt: str


def verify_proof(text: str, *, method: str, url: str, access_token: str, algorithms: Collection[str]) -> DpopProof:
    """Verify a proof, without its age, nonce and first use (RFC 9449 section 4.3).

    Args:
        text: The value of the only DPoP header.
        method: HTTP method of the request.
        url: Target URI of the request; its query is ignored.
        access_token: The access token of the request.
        algorithms: The accepted asymmetric signing algorithms.

    Raises:
        UnverifiableError: The proof is invalid; the text is the reason.
    """
    if len(text) > MAX_PROOF or not text.isascii():
        raise UnverifiableError(f"it is no JWT of at most {MAX_PROOF} characters")
    signing_input, _, signature = text.rpartition(".")
    head, _, body = signing_input.partition(".")
    try:
        key = _read_header(head)
        claims = json_object(decoded(body.encode()))
        raw_signature = decoded(signature.encode())
    except ValueError as error:
        raise UnverifiableError("it is not a signed JWT") from error
    if key.algorithm not in algorithms:
        raise UnverifiableError(f"it is signed with {key.algorithm}, not with {' or '.join(algorithms)}")
    proof = _read_claims(claims, key, method, url, access_token)
    if not is_signed(key.algorithm, key.key, signing_input.encode(), raw_signature):
        raise UnverifiableError("its signature does not hold by its own key")
    return proof


def check_age(proof: DpopProof, now: float, lifetime: int) -> int:
    """Check the age of a proof, and return the epoch second from which on it is too old.

    Args:
        proof: The proof.
        now: Epoch seconds.
        lifetime: The most seconds since its ``iat``.

    Raises:
        UnverifiableError: It is too old, or is not valid yet.
    """
    if proof.issued_at > now + AHEAD:
        raise UnverifiableError("iat is in the future: the clocks differ")
    if proof.issued_at < now - lifetime:
        raise UnverifiableError(f"iat is more than {lifetime} seconds ago")
    return int(proof.issued_at) + lifetime + 1


def check_times(proof: DpopProof, now: float) -> None:
    """Check exp and nbf, which hold where they are present, also with a nonce (RFC 7519 sections 4.1.4 and 4.1.5).

    Args:
        proof: The proof.
        now: Epoch seconds.

    Raises:
        UnverifiableError: It has expired, or is not valid yet.
    """
    expires, begins = proof.claims.get("exp", now), proof.claims.get("nbf", now)
    if not (_is_number(expires) and _is_number(begins) and expires >= now - SKEW and begins <= now + AHEAD):
        raise UnverifiableError("it has expired (exp), or is not good yet (nbf)")


@lru_cache(maxsize=2048)
def _read_header(head: str) -> _Key:
    """Read a header; clients send the same one with each proof. Raises UnverifiableError, ValueError where it is no JSON."""
    header = json_object(decoded(head.encode()))
    if "crit" in header or "b64" in header:
        raise UnverifiableError("its header asks for what is not supported here")
    if str(header.get("typ", "")).lower() != _TYPE:
        raise UnverifiableError(f"its typ is not {_TYPE}")
    algorithm, jwk = header.get("alg"), header.get("jwk")
    if algorithm not in ALGORITHMS:  # none and HMACs, above all
        raise UnverifiableError(f"its alg is none of {', '.join(ALGORITHMS)}")
    if not isinstance(jwk, dict):
        raise UnverifiableError("its header has no jwk")
    if not _PRIVATE.isdisjoint(jwk):
        raise UnverifiableError("its jwk holds a private key: that key must not be used any more")
    key = parsed_key(jwk)
    if key is None or not fits(key, jwk, algorithm):
        raise UnverifiableError("its jwk is no public key for its alg")
    return _Key(algorithm, key.key, _thumbprint(key.key, algorithm))


def _thumbprint(key: object, algorithm: str) -> str:
    """Return the SHA-256 thumbprint of a key (RFC 7638): of the key itself, however its JWK is written."""
    members = json.loads(_IMPLEMENTED[algorithm].to_jwk(key))
    required = {name: members[name] for name in _REQUIRED[members["kty"]]}
    return base64url(sha256(json.dumps(required, sort_keys=True, separators=(",", ":")).encode()).digest())


def _read_claims(claims: Mapping[str, Any], key: _Key, method: str, url: str, access_token: str) -> DpopProof:
    """Return the proof, if its claims are for this request. Raises UnverifiableError."""
    jti, htu, issued_at, nonce = (claims.get(name) for name in ("jti", "htu", "iat", "nonce"))
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        raise UnverifiableError(f"jti must be a text of 1 to {MAX_JTI} characters")
    if not _is_number(issued_at):
        raise UnverifiableError("iat must be a number")
    if claims.get("htm") != method:
        raise UnverifiableError(f"htm is not {method}")
    if not isinstance(htu, str) or not is_same_target(htu, url):
        raise UnverifiableError(f"htu is not {url.partition('?')[0]}")
    if nonce is not None and not isinstance(nonce, str):
        raise UnverifiableError("nonce must be a text")
    if claims.get("ath") != base64url(sha256(access_token.encode()).digest()):
        raise UnverifiableError("ath is not the hash of the access token")
    return DpopProof(key.jkt, jti, issued_at, nonce or "", claims)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
