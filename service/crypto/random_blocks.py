"""Randomness in blocks: one system call for some sixty credentials instead of two for each."""

import os
from abc import ABC, abstractmethod
from base64 import urlsafe_b64encode
from typing import AnyStr, Generic

_BLOCK = 4096
_WHOLE = 3072
"""Bytes that have whole characters of base64url, so that every one of these has six random bits."""


class _Blocks(ABC, Generic[AnyStr]):
    """A source of the operating system's randomness, of which nothing is ever returned twice.

    Do not share it between processes: each worker makes its own after it was forked.
    """

    _block: AnyStr
    _position = 0

    def __call__(self, count: int) -> AnyStr:
        """Return ``count`` fresh bytes or characters."""
        position = self._position
        end = position + count
        if end > len(self._block):
            self._block = self._fresh(count)
            position, end = 0, count
        self._position = end
        return self._block[position:end]

    @abstractmethod
    def _fresh(self, least: int) -> AnyStr:
        """Return a new block."""


class RandomBlocks(_Blocks[bytes]):
    """``blocks(32)`` returns 32 bytes."""

    _block = b""

    def _fresh(self, least: int) -> bytes:
        return os.urandom(max(_BLOCK, least))


class RandomText(_Blocks[str]):
    """``text(43)`` returns 43 characters of base64url, each of six random bits."""

    _block = ""

    def _fresh(self, least: int) -> str:
        return urlsafe_b64encode(os.urandom(max(_WHOLE, 3 * least))).decode()
