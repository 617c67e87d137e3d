"""Registered resources: one record for all, held in memory by every process, so that no request reads it."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from service.observe.events import Event
from service.observe.outages import Outage
from service.protocol.errors import TemporarilyUnavailable
from service.records.resource import Resource, ResourceSet
from service.redis.connection import Connection
from service.store.keys import Keys
from service.store.record_store import ChangedMeanwhileError, RecordStore

log = logging.getLogger(__name__)

_TRIES = 8
_EVERY = 60.0
"""Seconds after which they are read again though no change was reported."""
_EVERY_WITHOUT_NEWS = 1.0
_NEWS = b'{"clients":[],"resources":[]}'
"""A name on the channel of changes, where older releases expect names of clients."""

Known = Mapping[str, Resource]
"""Resources by their identifiers."""


class Resources(RecordStore):
    """Registered resources in Redis, with the copy of this process."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        super().__init__(connection, keys)
        self.known: Known = {}
        """The resources as they were read last; each change is another mapping. Only ``read`` asks Redis."""
        self.version = 0
        """A number that grows whenever ``known`` is replaced."""
        self._changed = asyncio.Event()
        self._hearing = False

    async def read(self) -> Known:
        """Read them from Redis. One round trip."""
        found = await self._read(self._keys.resources(), ResourceSet) or ResourceSet()
        self._know(found.resources)
        return found.resources

    async def change(self, change: Callable[[Known], Known]) -> None:
        """Change them, and publish that they changed.

        Args:
            change: Makes the new resources of the old ones. Called again where another caller was first.

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

    # changes by other processes

    def hear(self, message: bytes) -> None:
        """Handle a message of another process; most are about clients."""
        if b'"resources"' in message:
            self._changed.set()

    def hearing(self, now: bool) -> None:
        """Note whether messages reach us."""
        self._hearing = now
        self._changed.set()

    async def keep_reading(self) -> None:
        """Read them whenever they may have changed, until cancelled."""
        outage = Outage(log, Event.RESOURCES_UNAVAILABLE, Event.RESOURCES_AVAILABLE)
        while True:
            await self._news()
            try:
                await self.read()
                outage.succeeded()
            except TemporarilyUnavailable as error:
                outage.failed(error.log)
                await asyncio.sleep(_EVERY_WITHOUT_NEWS)
                self._changed.set()  # the change that could not be read is still to be read

    async def _news(self) -> None:
        """Wait for a change, but not for too long."""
        try:
            async with asyncio.timeout(_EVERY if self._hearing else _EVERY_WITHOUT_NEWS):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()
