"""Clients: one record each, held in the memory of every process until another process reports a change."""

import json
import logging
from collections.abc import Callable, Sequence

import msgspec

from service.observe.counting import CacheCounts
from service.observe.events import Event
from service.records.client import Client
from service.redis.connection import Connection
from service.store.bounded_cache import BoundedCache
from service.store.keys import Keys
from service.store.record_store import KEEP, ChangedMeanwhileError, RecordStore

log = logging.getLogger(__name__)

_CACHED = 10_000
"""Clients (and names of clients that do not exist) that a process remembers; the least recently read one is dropped."""
_CACHED_BYTES = 32 * 1024 * 1024
_DECODED = 2
"""Approximate bytes of memory that each byte of a record takes when it is decoded."""
_LONGEST_NAME = 255
_FRESH_WITHOUT_NEWS = 1.0
"""Seconds for which a cached client is valid while the channel of changes is down."""
_FRESH = 60.0
"""Seconds after which a client is read again though no change was reported: a bound, should a message be lost."""
_read_news = msgspec.json.Decoder(dict[str, list[str]]).decode


class Clients(RecordStore):
    """Clients in Redis, with a cache. The clock counts monotonic seconds."""

    def __init__(self, connection: Connection, keys: Keys, clock: Callable[[], float], counted: CacheCounts) -> None:
        super().__init__(connection, keys)
        self._clock = clock
        self._counted = counted
        self._cache: BoundedCache[tuple[Client | None, float]] = BoundedCache(_CACHED, _CACHED_BYTES)
        self._hearing = False
        self._news = 0

    # reading

    def cached(self, name: str) -> Client | None:
        """Return the client of this client_id or alias, if it is in memory and fresh; otherwise call ``get``. No round trip."""
        entry = self._cache.get(name)
        if entry is None or entry[0] is None or self._clock() >= entry[1]:
            return None
        self._counted.hits += 1
        return entry[0]

    async def get(self, name: str) -> Client | None:
        """Return the client of this client_id or alias, from memory where possible; otherwise one round trip."""
        entry = self._cache.get(name)
        if entry is not None and self._clock() < entry[1]:
            self._counted.hits += 1
            return entry[0]
        self._counted.misses += 1
        news = self._news
        data = await self._record_of(name)
        client = Client.decode(data) if data else None
        if news == self._news and len(name) <= _LONGEST_NAME:  # else a change was reported after reading
            fresh = _FRESH if self._hearing else _FRESH_WITHOUT_NEWS
            self._cache.put(name, (client, self._clock() + fresh), len(data or b"") * _DECODED)
        return client

    async def read(self, name: str) -> Client | None:
        """Return the client of this client_id or alias as Redis has it now. One round trip; two for an alias."""
        data = await self._record_of(name)
        return Client.decode(data) if data else None

    async def _record_of(self, name: str) -> bytes | None:
        if len(name) > _LONGEST_NAME:  # no client has so long a name, and it must not fill the memory
            return None
        record, alias_key = self._keys.client(name), self._keys.client_alias(name)
        data, client_id = await self._connection.execute_all(
            [(record, ("GET", record)), (alias_key, ("GET", alias_key))]
        )
        if data is None and client_id is not None:
            record = self._keys.client(client_id.decode())
            data = await self._connection.execute(record, "GET", record)
            if data and Client.decode(data).alias != name:  # left by a change that was cut off
                return None
        return data or None

    async def list_page(self, cursor: str = "", count: int = 100) -> tuple[list[Client], str]:
        """Return some clients and the cursor of the next page, empty at the end. A call looks at about ``10 × count`` keys."""
        return await self._read_page(self._keys.client(""), Client, cursor, count)

    async def ends_of(self, clients: Sequence[Client]) -> list[int]:
        """Return in how many seconds each of them is deleted if it is not used; -1 = never. One round trip."""
        keys = [self._keys.client(client.client_id) for client in clients]
        return await self._connection.execute_all([(key, ("TTL", key)) for key in keys]) if keys else []

    # writing

    async def save(self, client: Client, seen: Client | None, lifetime: int = 0) -> None:
        """Write a client by compare-and-set, and publish that it changed.

        Args:
            client: The new record.
            seen: The record that was read before, None = the client is new.
            lifetime: Seconds that a new client lives, 0 = without an end. A client that an operator takes over has no end.

        Raises:
            ChangedMeanwhileError: The record is no longer as ``seen``, or the alias is taken.
        """
        new_alias = client.alias if seen is None or seen.alias != client.alias else None
        if new_alias:
            await self._take_alias(new_alias, client.client_id)
        ends = KEEP if seen is not None and seen.was_registered_openly == client.was_registered_openly else lifetime
        key = self._keys.client(client.client_id)
        if not await self._replaced(key, seen.encode() if seen else b"", client.encode(), ends):
            held = await self.read(client.client_id) if new_alias else None
            if new_alias and (held is None or held.alias != new_alias):  # else the first caller gave it the same one
                await self._free_alias(new_alias, client.client_id)
            raise ChangedMeanwhileError(client.client_id)
        if new_alias and not await self._has_alias(client):  # it looked free, as this record did not have it yet
            await (self._replaced(key, client.encode(), seen.encode()) if seen else self._deleted(key, client.encode()))
            raise ChangedMeanwhileError(f"the alias {new_alias} is taken")
        if seen is not None and seen.alias and seen.alias != client.alias:
            await self._free_alias(seen.alias, client.client_id)
        await self.publish_change(client.client_id, client.alias, seen.alias if seen else None)

    async def delete(self, client: Client, *, only_as_read: bool = False) -> bool:
        """Delete a client and return whether it was there. Its tokens are invalid at once, because their client is gone.

        Raises:
            ChangedMeanwhileError: With ``only_as_read``: the record is no longer as it was read.
        """
        deleted = await self._ended(self._keys.client(client.client_id), client if only_as_read else None)
        if client.alias:
            await self._free_alias(client.alias, client.client_id)
        await self.publish_change(client.client_id, client.alias)
        return deleted

    async def _take_alias(self, alias: str, client_id: str) -> None:
        key, record = self._keys.client_alias(alias), self._keys.client(alias)
        if await self._connection.execute(record, "EXISTS", record):
            raise ChangedMeanwhileError(f"{alias} is the client_id of another client")
        held = await self._connection.execute(key, "GET", key) or b""
        holder = await self.read(alias) if held else None  # none where an act that was cut off has left the alias
        is_taken = holder is not None and holder.client_id != client_id
        if is_taken or not await self._replaced(key, held, client_id, or_same=True):
            raise ChangedMeanwhileError(f"the alias {alias} is taken")

    async def _has_alias(self, client: Client) -> bool:
        key = self._keys.client_alias(client.alias or "")
        return bool(await self._connection.execute(key, "GET", key) == client.client_id.encode())

    async def _free_alias(self, alias: str, client_id: str) -> None:
        """Free an alias that is still this client's."""
        await self._deleted(self._keys.client_alias(alias), client_id.encode())

    # memory

    async def publish_change(self, *names: str | None) -> None:
        """Let every process read the clients of these names again."""
        changed = sorted({name for name in names if name})
        self.forget(changed)
        message = json.dumps({"clients": changed})
        await self._connection.execute(self._keys.changes, "PUBLISH", self._keys.changes, message)

    def hear(self, message: bytes) -> None:
        """Handle a message of another process; one that cannot be read may have been about any client."""
        try:
            self.forget(_read_news(message)["clients"])
        except (msgspec.MsgspecError, KeyError, RecursionError):
            log.warning(Event.CLIENT_CHANGE_UNREADABLE, extra={"bytes": len(message)})
            self.hearing(self._hearing)

    def hearing(self, now: bool) -> None:
        """Note whether messages reach us. Changes while they did not are unknown, so nothing stays in memory."""
        self._hearing = now
        self._news += 1
        self._cache.clear()

    def forget(self, names: list[str]) -> None:
        """Drop these clients from memory, to be read again when they are next needed."""
        self._news += 1
        for name in names:
            self._cache.drop(name)
