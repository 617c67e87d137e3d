"""Registered resources: one record for all of them, which every process holds in memory, so that no request asks for it."""

import asyncio
from collections.abc import Callable, Mapping

from service.records.resource import Resource, ResourceSet
from service.redis.connection import Connection
from service.store.keys import Keys
from service.store.record_store import ChangedMeanwhileError, RecordStore

_TRIES = 8
_EVERY = 60.0
"""Seconds after which they are read again though no change was heard of."""
_EVERY_WITHOUT_NEWS = 1.0
_NEWS = b'{"clients":[],"resources":[]}'
"""On the channel of changes, where older releases want to read of clients."""

Known = Mapping[str, Resource]
"""Resources by their identifiers."""


class Resources(RecordStore):
    """Registered resources in Redis, with what this process knows of them."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        super().__init__(connection, keys)
        self.known: Known = {}
        """As they were when they were read last; each change is another mapping. Nothing but ``read`` asks Redis."""
        self.version = 0
        """Raised whenever ``known`` is another one."""
        self._changed = asyncio.Event()
        self._hearing = False

    async def read(self) -> Known:
        """As Redis has them now. One round trip."""
        found = await self._read(self._keys.resources(), ResourceSet) or ResourceSet()
        self._know(found.resources)
        return found.resources

    async def change(self, change: Callable[[Known], Known]) -> None:
        """Change them, and publish that they changed. ``change`` may be called again where another caller was first.

        Raises:
            ChangedMeanwhileError: Others change them all the time.
        """
        key = self._keys.resources()
        for _ in range(_TRIES):
            seen = await self._connection.execute(key, "GET", key) or b""
            before = ResourceSet.decode(seen).resources if seen else {}
            wanted = ResourceSet(dict(change(before)))
            if await self._replaced(key, seen, wanted.encode()):
                self._know(wanted.resources)
                await self._connection.execute(self._keys.changes, "PUBLISH", self._keys.changes, _NEWS)
                return
        raise ChangedMeanwhileError("resources")

    def _know(self, resources: Known) -> None:
        if resources != self.known:
            self.known = resources
            self.version += 1

    # what other processes change

    def hear(self, message: bytes) -> None:
        """News from another process; most is about clients."""
        if b'"resources"' in message:
            self._changed.set()

    def hearing(self, now: bool) -> None:
        """Whether news reaches us."""
        self._hearing = now
        self._changed.set()

    async def keep_reading(self) -> None:
        """Read them whenever they may have changed, until cancelled."""
        while True:
            await self._news()
            await self.read()

    async def _news(self) -> None:
        """Wait until there is any, but not for too long."""
        try:
            async with asyncio.timeout(_EVERY if self._hearing else _EVERY_WITHOUT_NEWS):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()
