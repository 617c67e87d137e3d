"""A cache of what others sent, bounded in entries and in bytes."""

from collections import OrderedDict
from typing import Generic, TypeVar

_Value = TypeVar("_Value")

_OVERHEAD = 1024
"""Bytes of an entry besides its name and the size that it was stored with."""


class BoundedCache(Generic[_Value]):
    """A cache of the entries that were stored or renewed last.

    Sizes are estimates in bytes, as others choose how long a text is.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._held: OrderedDict[str, tuple[_Value, int]] = OrderedDict()
        self.bytes = 0

    def get(self, name: str) -> _Value | None:
        """Return the value stored under this name; None where it is no longer there."""
        held = self._held.get(name)
        return None if held is None else held[0]

    def put(self, name: str, value: _Value, size: int) -> None:
        """Store a value under a name, and drop the oldest entries that it leaves no room for.

        A value that is too large is not stored.
        """
        self.drop(name)
        size += len(name) + _OVERHEAD
        if size > self._most_bytes:
            return
        self._held[name] = (value, size)
        self.bytes += size
        while len(self._held) > self._most or self.bytes > self._most_bytes:
            self.drop(next(iter(self._held)))

    def renew(self, name: str) -> None:
        """Count the entry as the newest one."""
        self._held.move_to_end(name)

    def drop(self, name: str) -> None:
        """Drop the entry, if it is there."""
        _, size = self._held.pop(name, (None, 0))
        self.bytes -= size

    def clear(self) -> None:
        """Drop all entries."""
        self._held.clear()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._held)
