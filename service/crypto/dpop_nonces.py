"""Nonces for DPoP proofs that nobody stores: a keyed hash of the time in slices (RFC 9449 sections 8 and 9)."""

import hmac
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.protocol.credentials import base64url

_PURPOSE = b"mintmark dpop nonces 1"
_BYTES = 16


class _Slice(NamedTuple):
    """What counts during one slice of time."""

    number: int
    nonce: str
    ends: Mapping[str, int]
    """From which epoch second on each nonce that counts now does so no more."""


class DpopNonces:
    """Nonces of everyone who has the same secrets. Each is good for ``lifetime`` seconds at least, for twice that at most.

    Nothing is kept of them: a proof with one is used once by its ``jti``, like any other.
    """

    def __init__(self, secrets: Iterable[bytes], lifetime: int) -> None:
        """``secrets``: the first makes nonces, all of them count, so that a rotation asks nobody for another one."""
        self._keys = [HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(secret) for secret in secrets]
        self.lifetime = lifetime
        self._slice = _Slice(-1, "", {})

    def current(self, now: float) -> str:
        """The nonce that clients are to use from now on. ``now``: epoch seconds. Raises IndexError without a secret."""
        return self._at(now).nonce

    def end_of(self, nonce: str, now: float) -> int | None:
        """The epoch second from which on this nonce counts no more; None where it does not count now.

        Anybody may ask for one, so that it is no secret.
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
