"""The audit log: a stream of a bounded length, the only thing in Redis that is neither a record nor a credential."""

from typing import NamedTuple

from service.records.audit_entry import AuditEntry
from service.redis.connection import Connection
from service.redis.script import Script
from service.store.answers import Answer
from service.store.keys import Keys
from service.store.record_store import RecordStore

_write = Script("write_audit_entry", Answer)


class PlacedEntry(NamedTuple):
    """An entry and its place in the log."""

    place: str
    """Its id in the stream, ``milliseconds-number``; later entries have higher ones."""
    entry: AuditEntry


class Audit(RecordStore):
    """The log in Redis. About the last ``length`` entries are kept."""

    def __init__(self, connection: Connection, keys: Keys, length: int) -> None:
        super().__init__(connection, keys)
        self._length = length

    async def write(self, entry: AuditEntry, begun_at: str = "") -> str:
        """Append an entry and return its place. One round trip.

        ``begun_at`` is the place of the entry that recorded the beginning of the same act: the new one replaces it.
        """
        entry_id = f"{entry.act}:{entry.result}"
        _, rest = await _write.run(
            self._connection, (self._keys.audit(),), entry_id, entry.encode(), begun_at, self._length
        )
        return str(rest[0].decode())

    async def before(self, place: str, since: int, count: int) -> list[PlacedEntry]:
        """Read entries before a place ("" = the end) and since a moment (epoch ms), the newest in front. One round trip."""
        return await self._range("XREVRANGE", f"({place}" if place else "+", f"{since}-0", count)

    async def after(self, place: str, count: int) -> list[PlacedEntry]:
        """Read entries after a place, in the order in which they were written. One round trip."""
        return await self._range("XRANGE", f"({place}" if place else "-", "+", count)

    async def _range(self, command: str, start: str, end: str, count: int) -> list[PlacedEntry]:
        key = self._keys.audit()
        found = await self._connection.execute(key, command, key, start, end, "COUNT", count)
        return [PlacedEntry(place.decode(), AuditEntry.decode(members[3])) for place, members in found]
