"""Random bytes in blocks: one system call for some sixty credentials instead of two for each."""

import os

_BLOCK = 4096


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
