"""Randomness in blocks: one system call for some sixty credentials instead of two for each."""

import os
from base64 import urlsafe_b64encode

_BLOCK = 4096
_WHOLE = 3072
"""Bytes that have whole characters of base64url, so that every one of these has six random bits."""


class RandomBlocks:
    """A source of the operating system's randomness: ``blocks(32)`` returns 32 bytes, none of which is ever returned twice.

    Do not share it between processes: each worker makes its own after it was forked.
    """

    def __init__(self) -> None:
        self._block = b""
        self._position = 0

    def __call__(self, count: int) -> bytes:
        """Return ``count`` fresh bytes."""
        position = self._position
        end = position + count
        if end > len(self._block):
            self._block = os.urandom(max(_BLOCK, count))
            position, end = 0, count
        self._position = end
        return self._block[position:end]


class RandomText:
    """The same as text: ``text(43)`` returns 43 characters of base64url, each of six random bits, never any of them twice."""

    def __init__(self) -> None:
        self._block = ""
        self._position = 0

    def __call__(self, length: int) -> str:
        """Return ``length`` fresh characters."""
        position = self._position
        end = position + length
        if end > len(self._block):
            self._block = urlsafe_b64encode(os.urandom(max(_WHOLE, 3 * length))).decode()
            position, end = 0, length
        self._position = end
        return self._block[position:end]
