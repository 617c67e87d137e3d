"""What a process remembers of what others sent, within so many entries and so many bytes."""

from collections import OrderedDict
from typing import Generic, TypeVar

_Value = TypeVar("_Value")

_OVERHEAD = 1024
"""Bytes that an entry takes besides its name and the size that it was put in with."""


class BoundedCache(Generic[_Value]):
    """The entries that were put in last. Sizes are estimates, in bytes: a text that others made may be of any length."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._held: OrderedDict[str, tuple[_Value, int]] = OrderedDict()
        self.bytes = 0

    def get(self, name: str) -> _Value | None:
        """What was put in under this name, if it is still there."""
        held = self._held.get(name)
        return None if held is None else held[0]

    def put(self, name: str, value: _Value, size: int) -> None:
        """Remember it, in the place of what is there and of the oldest ones; not at all where it alone is too large."""
        self.drop(name)
        size += len(name) + _OVERHEAD
        if size > self._most_bytes:
            return
        self._held[name] = (value, size)
        self.bytes += size
        while len(self._held) > self._most or self.bytes > self._most_bytes:
            self.drop(next(iter(self._held)))

    def renew(self, name: str) -> None:
        """It is no older than what is put in now."""
        self._held.move_to_end(name)

    def drop(self, name: str) -> None:
        """Forget it, if it is there."""
        _, size = self._held.pop(name, (None, 0))
        self.bytes -= size

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._held)
