"""Turns, one at a time for each name: checks against a counter must not run at once, or none sees the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.protocol.errors import TemporarilyUnavailable


class Turns:
    """Turns of one process.

    Args:
        most: How many may wait for the same one.
        what: What is waited for, in the log.
    """

    def __init__(self, most: int, what: str) -> None:
        self._most, self._what = most, what
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}

    def __len__(self) -> int:
        """Return how many names have a turn now; others are not remembered."""
        return len(self._turns)

    @asynccontextmanager
    async def turn_of(self, who: str) -> AsyncIterator[None]:
        """Hold the turn of this name. Raises TemporarilyUnavailable where too many wait for it."""
        lock, waiting = self._turns.get(who, (asyncio.Lock(), 0))
        if waiting >= self._most:
            raise TemporarilyUnavailable(log=f"{self._what}: too many at once")
        self._turns[who] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns.pop(who)
            if waiting > 1:
                self._turns[who] = (lock, waiting - 1)
