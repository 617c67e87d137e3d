"""A cache of introspection responses."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, NamedTuple

GRANT_ID_LENGTH = 22
"""The number of characters at the beginning of a ``jti`` that are the id of the token's grant."""


class Held(NamedTuple):
    """A cached introspection response."""

    claims: Mapping[str, Any]
    until: float
    """Monotonic seconds at which it expires."""
    names: tuple[str, ...]
    """The grant and the clients whose end or change removes it."""


class ClaimsCache:
    """The last introspection responses, by a hash of the token. Threads may share it.

    Args:
        size: The most responses.
        clock: Returns monotonic seconds.
    """

    def __init__(self, size: int, clock: Callable[[], float]) -> None:
        self._size = size
        self._clock = clock
        self._held: OrderedDict[bytes, Held] = OrderedDict()
        self._of: dict[str, set[bytes]] = {}
        self._lock = Lock()
        self.news = 0
        """A counter of news: if it changes during a request, the response may be older than the news."""

    def get(self, key: bytes) -> Mapping[str, Any] | None:
        """Return the claims, None if they are not cached or have expired."""
        with self._lock:
            held = self._held.get(key)
            if held is None:
                return None
            if self._clock() >= held.until:
                self._drop(key)
                return None
            self._held.move_to_end(key)
            return held.claims

    def keep(self, key: bytes, claims: Mapping[str, Any], seconds: float) -> None:
        """Cache the claims for some seconds."""
        with self._lock:
            self._drop(key)
            while len(self._held) >= self._size:
                self._drop(next(iter(self._held)))
            held = self._held[key] = Held(claims, self._clock() + seconds, _names(claims))
            for name in held.names:
                self._of.setdefault(name, set()).add(key)

    def forget_grant(self, grant_id: str) -> None:
        """Forget everything of a grant that has ended."""
        self._forget(f"grant {grant_id}")

    def forget_client(self, client_id: str) -> None:
        """Forget everything of a client that has changed."""
        self._forget(f"client {client_id}")

    def clear(self) -> None:
        """Forget everything, as news may have been missed."""
        with self._lock:
            self.news += 1
            self._held.clear()
            self._of.clear()

    def __len__(self) -> int:
        return len(self._held)

    def _forget(self, name: str) -> None:
        with self._lock:
            self.news += 1
            for key in list(self._of.get(name, ())):
                self._drop(key)

    def _drop(self, key: bytes) -> None:
        held = self._held.pop(key, None)
        for name in held.names if held else ():
            keys = self._of[name]
            keys.discard(key)
            if not keys:
                del self._of[name]


def _names(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of its grant and client, and for an exchanged token of the clients of its source tokens."""
    clients = {claims.get("client_id", ""), *claims.get("source_clients", ())}
    return (f"grant {str(claims.get('jti', ''))[:GRANT_ID_LENGTH]}", *(f"client {name}" for name in clients))
