"""Signed JWTs (RFC 7515 section 7.1, RFC 7519), parsed strictly: only one spelling of each is accepted."""

import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from jwt.algorithms import get_default_algorithms

SKEW = 10
"""Seconds by which the clock of a signer may differ from ours."""
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
"""The accepted signing algorithms: asymmetric ones, never none."""
RSA_BITS = range(2048, 4097)
"""The accepted sizes: fewer bits are too weak (RFC 7518 section 3.3), more cost too much time to verify."""

_IMPLEMENTED = get_default_algorithms()
_ECDSA: dict[str, tuple[ec.ECDSA, int]] = {"ES256": (ec.ECDSA(SHA256()), 32), "ES384": (ec.ECDSA(SHA384()), 48)}
"""The scheme, and the number of bytes in each half of a signature (RFC 7518 section 3.4)."""
_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""The type of key that an algorithm needs."""
_CURVES = {"ES256": "P-256", "ES384": "P-384"}
_MEMBERS = frozenset({"kty", "use", "alg", "kid", "crv", "x", "y", "n", "e"})
"""The members that are read from a JWK (RFC 7517 section 4, RFC 7518 section 6)."""
_LONGEST_REMEMBERED = 512
"""The most bytes of an encoded header in the cache, as unknown callers must not fill the memory."""
_RSA_EXPONENT = 65537
"""The largest accepted exponent."""
_NUMBERS = (int, float)
_STANDARD = bytes.maketrans(b"-_", b"+/")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class UnverifiableError(Exception):
    """The JWT cannot be verified; the text is the reason."""


class Jws(NamedTuple):
    """A JWT of the right form, not verified."""

    header: Mapping[str, Any]
    signing_input: bytes
    payload: bytes
    """Decoded."""
    signature: bytes


def parse(token: str) -> Jws:
    """Parse a JWT.

    Raises:
        UnverifiableError: It is no JWT, or its header has critical members (RFC 7515 section 4.1.11).
    """
    try:
        signing_input, _, signature = token.encode("ascii").rpartition(b".")
        head, _, body = signing_input.partition(b".")
        header = _remembered_header(head) if len(head) <= _LONGEST_REMEMBERED else _read_header(head)
        return Jws(header, signing_input, decoded(body), decoded(signature))
    except ValueError as error:
        raise UnverifiableError("it is not a signed JWT") from error


def _read_header(head: bytes) -> Mapping[str, Any]:
    header = json_object(decoded(head))
    if "crit" in header or "b64" in header:
        raise ValueError("its header asks for what is not supported here")
    return MappingProxyType(header)


_remembered_header = lru_cache(maxsize=1024)(_read_header)
"""Cached, as a signer writes the same header each time."""


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


_JSON = json.JSONDecoder(parse_constant=_no_number)
"""A decoder for JSON without NaN and Infinity (RFC 8259), made once."""


def json_object(raw: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises ValueError, also where it is nested too deeply."""
    try:
        found = _JSON.decode(raw.decode())
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    return found


def check_times(claims: Mapping[str, Any], now: float) -> None:
    """Check exp, nbf and iat, where present (RFC 7519 sections 4.1.4 to 4.1.6). Raises UnverifiableError."""
    expires, begins, issued = times = claims.get("exp", now), claims.get("nbf", now), claims.get("iat", now)
    for name, value in zip(("exp", "nbf", "iat"), times, strict=True):
        if value.__class__ not in _NUMBERS:
            raise UnverifiableError(f"{name} is not a number")
    if expires < now - SKEW:
        raise UnverifiableError("it has expired (exp)")
    if begins > now + SKEW or issued > now + SKEW:
        raise UnverifiableError("it is not good yet (nbf, iat)")


def is_signed(algorithm: str, key: object, signing_input: bytes, signature: bytes) -> bool:
    """Whether the signature is by this public key. ECDSA is verified as by PyJWT, but with a scheme that is made once."""
    if algorithm not in _ECDSA or not isinstance(key, ec.EllipticCurvePublicKey):
        try:
            return bool(_IMPLEMENTED[algorithm].verify(signing_input, key, signature))
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            return False
    scheme, size = _ECDSA[algorithm]
    if len(signature) != 2 * size:
        return False
    halves = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    try:
        key.verify(encode_dss_signature(*halves), signing_input, scheme)
    except InvalidSignature:
        return False
    return True


def parsed_key(member: Mapping[str, Any]) -> jwt.PyJWK | None:
    """Read a public key, None where the JWK is none, is not for signatures, or is an RSA key of another size than allowed."""
    known = {name: value for name, value in member.items() if name in _MEMBERS and isinstance(value, str)}
    if member.get("use", "sig") != "sig" or member.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        return None  # by its alg PyJWT chooses how to read a key, also by none
    try:
        key = jwt.PyJWK(known)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if not isinstance(key.key, RSAPublicKey):
        return key
    return key if key.key.key_size in RSA_BITS and key.key.public_numbers().e <= _RSA_EXPONENT else None


def fits(key: jwt.PyJWK, member: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a key has the type and curve that this algorithm needs, and its JWK names no other algorithm."""
    curve = _CURVES.get(algorithm)
    return (
        key.key_type == _TYPES.get(algorithm[:2])
        and (curve is None or member.get("crv") == curve)
        and member.get("alg", algorithm) == algorithm
    )


def decoded(data: bytes) -> bytes:
    """Decode base64url strictly, as Python's decoder ignores other characters. Raises ValueError."""
    found = a2b_base64(data.translate(_STANDARD) + b"==")  # surplus padding is ignored
    if base64url(found).encode() != data:
        raise ValueError("not base64url as RFC 7515 section 2 has it")
    return found


def base64url(data: bytes) -> str:
    """Encode without padding (RFC 7515 section 2)."""
    return b2a_base64(data, newline=False).rstrip(b"=").translate(_URL_SAFE).decode()
