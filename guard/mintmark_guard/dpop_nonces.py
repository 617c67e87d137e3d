"""Nonces for DPoP proofs, which are not stored: a keyed hash of the time in slices (RFC 9449 sections 8 and 9)."""

import hmac
from collections.abc import Mapping
from typing import NamedTuple

from mintmark_guard.jws import base64url

_PURPOSE = b"mintmark-guard dpop nonces 1"
_BYTES = 16


class _Slice(NamedTuple):
    """The valid nonces during one slice of time."""

    number: int
    nonce: str
    ends: Mapping[str, int]
    """For each valid nonce the epoch second from which on it is invalid."""


class DpopNonces:
    """The nonces of all processes with the same secret.

    They are not recorded: the ``jti`` of a proof is what makes it count once, with or without a nonce.

    Args:
        secret: The secret that they are derived from.
        lifetime: The seconds that each is valid at least; at most it is twice as many.
    """

    def __init__(self, secret: str, lifetime: int) -> None:
        self._key = hmac.digest(secret.encode(), _PURPOSE, "sha256")
        self._lifetime = lifetime
        self._slice = _Slice(-1, "", {})

    def current(self, now: float) -> str:
        """Return the nonce for clients to use from ``now`` (epoch seconds) on."""
        return self._at(now).nonce

    def end_of(self, nonce: str, now: float) -> int | None:
        """Return the epoch second from which on this nonce is invalid; None where it is invalid now."""
        return self._at(now).ends.get(nonce)

    def _at(self, now: float) -> _Slice:
        found, number = self._slice, int(now) // self._lifetime
        if number != found.number:
            near = (number - 1, number, number + 1)  # the clock of another process may be ahead
            ends = {self._nonce(one): (one + 2) * self._lifetime for one in near}
            found = self._slice = _Slice(number, self._nonce(number), ends)
        return found

    def _nonce(self, number: int) -> str:
        return base64url(hmac.digest(self._key, number.to_bytes(8, "big", signed=True), "sha256")[:_BYTES])
