"""Nonces for DPoP proofs, which are not stored: keyed hashes of the time in slices (RFC 9449 sections 8 and 9)."""

import hmac
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.protocol.credentials import base64url

_PURPOSE = b"mintmark dpop nonces 1"
_BYTES = 16


class _Slice(NamedTuple):
    """The nonces that are valid during one slice of time."""

    number: int
    nonce: str
    ends: Mapping[str, int]
    """The epoch second at which each currently valid nonce expires."""


class DpopNonces:
    """The nonces of all processes with the same secrets, each valid for ``lifetime`` seconds at least, for twice that at most.

    They are not stored: the ``jti`` shows that a proof is used only once, as without a nonce.
    """

    def __init__(self, secrets: Iterable[bytes], lifetime: int) -> None:
        """Derive the keys.

        Args:
            secrets: The first makes nonces; those of all are accepted, so that a rotation invalidates none.
            lifetime: Seconds for which a nonce is valid at least.
        """
        self._keys = [HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(secret) for secret in secrets]
        self.lifetime = lifetime
        self._slice = _Slice(-1, "", {})

    def current(self, now: float) -> str:
        """Return the nonce that clients are to use from ``now`` (epoch seconds) on. Raises IndexError without a secret."""
        return self._at(now).nonce

    def end_of(self, nonce: str, now: float) -> int | None:
        """Return the epoch second at which this nonce expires; None where it is not valid now.

        Any caller may get a nonce, so it is no secret.
        """
        return self._at(now).ends.get(nonce)

    def _at(self, now: float) -> _Slice:
        number = int(now) // self.lifetime
        if number != self._slice.number:
            near = (number - 1, number, number + 1)  # the clock of another process may be ahead
            ends = {_nonce(key, one): (one + 2) * self.lifetime for key in self._keys for one in near}
            self._slice = _Slice(number, _nonce(self._keys[0], number), ends)
        return self._slice


def _nonce(key: bytes, number: int) -> str:
    return base64url(hmac.digest(key, number.to_bytes(8, "big", signed=True), "sha256")[:_BYTES])
