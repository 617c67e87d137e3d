"""Whether Redis takes writes: one that is full, read-only or without its disk still answers PING.

The check writes a key without meaning on every primary, at most once in ``EVERY`` seconds, and at once where a request was
refused meanwhile. Then every right is tried, too, as that key needs only one of them, and again until none is missing.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from service.observe.events import Event
from service.observe.metrics import WRITE_REFUSALS
from service.observe.outages import Outage
from service.protocol.errors import TemporarilyUnavailable
from service.redis.connection import Connection
from service.redis.errors import TEMPORARY, LinkLostError, ReplyError, StoreError, causes_of, kind_of
from service.store.keys import Keys
from service.store.record_store import RecordStore
from service.store.rights import look_for_missing

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds for which a result counts."""
_KEPT_MILLISECONDS = 1000
_OF_BACKGROUND_TASKS = 5.0
_PROBED = 2000

_REASONS: Mapping[str, tuple[str, str]] = {
    "OOM": ("full", "maxmemory is reached: raise it, and never set an eviction policy, which would drop living tokens"),
    "READONLY": ("read_only", "the server is a replica: a failover is under way, or redis_url names the wrong server"),
    "MISCONF": ("disk", "it cannot write to its disk: see its log"),
    "NOREPLICAS": ("replicas", "too few replicas are in sync: min-replicas-to-write, or redis_wait_replicas"),
    "CLUSTERDOWN": ("cluster_down", "some slots of the Cluster have no server"),
    "NOPERM": ("rights", "the Redis user lacks a right: docs/how-to/redis.md"),
    "NOAUTH": ("login", "the login is not taken any more"),
    "WRONGPASS": ("login", "the login is not taken any more"),
}
_OTHER = ("other", "its log, and ours, say why")


class WriteRefusal(NamedTuple):
    """Why writes are refused."""

    reason: str  # one of ``WRITE_REFUSALS``
    hint: str  # what an operator may do


class Writability(RecordStore):
    """The result of the last check. The clock counts monotonic seconds."""

    def __init__(self, connection: Connection, keys: Keys, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(connection, keys)
        self._clock = clock
        self._looking = asyncio.Lock()
        self._fresh_until = 0.0
        self._refused_before = 0
        self._outage = Outage(log, Event.REDIS_WRITES_REFUSED, Event.REDIS_WRITES_ACCEPTED)
        self.refusal: WriteRefusal | None = None

    async def look(self) -> WriteRefusal | None:
        """Return why writes are refused now, None where they are taken. Raises TemporarilyUnavailable where Redis is away."""
        async with self._looking:
            if self._clock() < self._fresh_until and self._refused_before == self._connection.refused:
                return self.refusal
            refused, lacked = self._connection.refused, self.refusal is not None and self.refusal.reason == "rights"
            self.refusal = await self._probe()
            if self.refusal is None and (lacked or refused != self._refused_before):
                self.refusal = await self._rights()
            self._refused_before = self._connection.refused
            self._fresh_until = self._clock() + EVERY
            if self.refusal is None:
                self._outage.succeeded()
            else:
                self._outage.failed(self.refusal.reason, hint=self.refusal.hint)
            return self.refusal

    async def keep_looking(self) -> None:
        """Keep the metric true where nobody asks for readiness; until cancelled."""
        while True:
            try:
                await self.look()
            except TemporarilyUnavailable:  # other metrics report that it is away
                self.refusal = None
            await asyncio.sleep(_OF_BACKGROUND_TASKS)

    def shown(self) -> Mapping[str, bool]:
        """Return, by reason, whether writes are refused for it."""
        return {reason: self.refusal is not None and self.refusal.reason == reason for reason in WRITE_REFUSALS}

    async def _probe(self) -> WriteRefusal | None:
        for key in await self._probe_keys():
            try:
                await self._connection.execute_confirmed(key, "SET", key, "", "PX", _KEPT_MILLISECONDS)
            except (TemporarilyUnavailable, StoreError) as error:
                refusal = refusal_in(error)
                if refusal is None:
                    raise
                return refusal
        return None

    async def _rights(self) -> WriteRefusal | None:
        """Write on every primary. Raises TemporarilyUnavailable where Redis is away."""
        address, waits = self._connection.address, self._connection.confirming is not None
        try:
            async with asyncio.timeout(address.timeout):
                for link in await self._connection.links():
                    if await look_for_missing(address, link, self._keys, listens=False, waits=waits):
                        return WriteRefusal(*_REASONS["NOPERM"])
        except (TimeoutError, LinkLostError) as error:
            raise TemporarilyUnavailable(log=f"Redis: {error}") from error
        return None

    async def _probe_keys(self) -> list[str]:
        """Return a key on each primary."""
        found: list[str] = []
        missing = await self._connection.links()
        for number in range(_PROBED):
            key = self._keys.probe(number)
            holder = next((link for link in missing if self._connection.holds(link, key)), None)
            if holder is not None:
                missing.remove(holder)
                found.append(key)
            if not missing:
                break
        return found


def refusal_in(error: Exception) -> WriteRefusal | None:
    """Find out why Redis refused a command; None where it did not say. PING is refused, too, where its disk is full."""
    said = next((cause for cause in causes_of(error) if isinstance(cause, ReplyError)), None)
    kind = "" if said is None else kind_of(said)
    if not kind or (kind in TEMPORARY and kind not in _REASONS):  # LOADING, a failover …: it is away
        return None
    return WriteRefusal(*_REASONS.get(kind, _OTHER))
