"""Signed JWTs (RFC 7515 section 7.1, RFC 7519), parsed once and strictly: each has only one accepted spelling."""

import time
from binascii import a2b_base64
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec
import orjson

from service.crypto.key_material import is_signed

SKEW = 10
"""Seconds by which the clock of a signer may differ from ours."""


_LONGEST_REMEMBERED = 512
"""The most bytes of an encoded header: what unknown callers send must not fill the memory."""
_NUMBERS = (int, float)
_BASE64URL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_STANDARD = bytes(one if one in _BASE64URL else 0 for one in range(256)).translate(bytes.maketrans(b"-_", b"+/"))
"""The table from base64url to base64; every other byte becomes one that the decoder refuses."""
_ENDS = (b"", b"", _BASE64URL[::16], _BASE64URL[::4])
"""The allowed last characters by the length modulo four: the bits that belong to no byte are 0."""
_PADDING = (b"", b"", b"==", b"=")


class UnverifiableError(Exception):
    """The JWT cannot be verified: the text says why, to its sender and to operators."""


class Jws(msgspec.Struct):
    """A well-formed JWT that is not verified yet."""

    header: Mapping[str, Any]
    signing_input: bytes
    """The JWS Signing Input (RFC 7515 section 2)."""
    payload: bytes
    """The decoded payload."""
    signature: bytes
    _claims: dict[str, Any] | None = None
    """The parsed claims, once they were read."""

    @property
    def algorithm(self) -> str:
        """The ``alg`` of the header, "" where it is no text."""
        algorithm = self.header.get("alg")
        return algorithm if isinstance(algorithm, str) else ""

    @property
    def kid(self) -> str | None:
        """The ``kid`` of the header, None where it is no text."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None

    def claims(self) -> dict[str, Any]:
        """The payload as claims. Raises UnverifiableError where it is no JSON object."""
        if self._claims is None:
            try:
                claims = orjson.loads(self.payload)
            except ValueError as error:
                raise UnverifiableError("its payload is not JSON") from error
            if not isinstance(claims, dict):
                raise UnverifiableError("its payload is not a JSON object")
            self._claims = claims
        return self._claims

    def is_signed_by(self, key: object, algorithm: str) -> bool:
        """Whether this key made the signature, by this algorithm and no other (RFC 8725 section 3.1)."""
        return self.algorithm == algorithm and is_signed(algorithm, key, self.signing_input, self.signature)


def parse(token: str, most: int) -> Jws:
    """Parse a JWT of at most ``most`` characters.

    Raises:
        UnverifiableError: It is no JWT, or its header has critical members (RFC 7515 section 4.1.11).
    """
    if len(token) > most:
        raise UnverifiableError(f"it has more than {most} characters")
    try:
        signing_input, _, signature = token.encode("ascii").rpartition(b".")
        head, _, body = signing_input.partition(b".")
        header = read_header(head)
        jws = Jws(header, signing_input, decoded(body), decoded(signature))
    except ValueError as error:
        raise UnverifiableError("it is not a signed JWT") from error
    if "crit" in header or "b64" in header:
        raise UnverifiableError("its header asks for what is not supported here")
    return jws


def read_header(head: bytes) -> Mapping[str, Any]:
    """Read the JOSE header in the first part of a JWT. Raises ValueError."""
    return _remembered_header(head) if len(head) <= _LONGEST_REMEMBERED else _read_header(head)


def _read_header(head: bytes) -> Mapping[str, Any]:
    header = orjson.loads(decoded(head))
    if not isinstance(header, dict):
        raise ValueError("not a JSON object")
    return MappingProxyType(header)


_remembered_header = lru_cache(maxsize=1024)(_read_header)
"""The header, cached as a signer writes the same one each time."""


def checked_claims(jws: Jws, key: object, algorithm: str) -> dict[str, Any] | None:
    """Return the claims, None where this key did not sign them.

    Raises:
        UnverifiableError: The key signed it, but it holds no claims, or is not valid now (RFC 7519 sections 4.1.4 to 4.1.6).
    """
    if not jws.is_signed_by(key, algorithm):
        return None
    claims = jws.claims()
    check_times(claims)
    return claims


def check_times(claims: Mapping[str, Any]) -> None:
    """Check that a JWT is valid now (RFC 7519 sections 4.1.4 to 4.1.6). Raises UnverifiableError."""
    now = time.time()
    if "exp" in claims and _number(claims, "exp") < now - SKEW:
        raise UnverifiableError("it has expired (exp)")
    if "nbf" in claims and _number(claims, "nbf") > now + SKEW:
        raise UnverifiableError("it is not good yet (nbf)")
    if "iat" in claims and _number(claims, "iat") > now + SKEW:
        raise UnverifiableError("it is not good yet (iat)")


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if value.__class__ not in _NUMBERS:
        raise UnverifiableError(f"{name} is not a number")
    return float(value)


def decoded(data: bytes) -> bytes:
    """Decode base64url without padding (RFC 7515 section 2), strictly: each value has one spelling. Raises ValueError."""
    beyond = len(data) & 3
    if beyond and data[-1] not in _ENDS[beyond]:
        raise ValueError("not base64url as RFC 7515 section 2 has it")
    return a2b_base64(data.translate(_STANDARD) + _PADDING[beyond], strict_mode=True)
