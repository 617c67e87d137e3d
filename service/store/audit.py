"""The audit log: a stream of a bounded length, the only thing in Redis that is neither a record nor a credential."""

from enum import StrEnum
from typing import NamedTuple

from service.records.audit_entry import AuditEntry
from service.redis.connection import Connection
from service.redis.script import Script
from service.store.keys import Keys


class WriteAnswer(StrEnum):
    WRITTEN = "written"


_write = Script("write_audit_entry", ("audit",), ("entry_id", "entry", "begun_at", "length"), WriteAnswer)
SCRIPTS = (_write,)


class PlacedEntry(NamedTuple):
    """``place``: the id in the stream, ``milliseconds-number``; later entries have higher ones."""

    place: str
    entry: AuditEntry


class Audit:
    """The log in Redis. ``length``: about how many entries are kept; the oldest ones go."""

    def __init__(self, connection: Connection, keys: Keys, length: int) -> None:
        self._connection = connection
        self._keys = keys
        self._length = length

    async def write(self, entry: AuditEntry, begun_at: str = "") -> str:
        """Append it; its place. ``begun_at``: the place of the entry that it is the outcome of, which goes. One round trip."""
        entry_id = f"{entry.act}:{entry.result}"
        _, rest = await _write.run(
            self._connection, (self._keys.audit(),), entry_id, entry.encode(), begun_at, self._length
        )
        return str(rest[0].decode())

    async def before(self, place: str, since: int, count: int) -> list[PlacedEntry]:
        """Entries before this place ("" = from the newest one on), the newest in front, none older than ``since`` (epoch
        milliseconds). One round trip."""
        return await self._range("XREVRANGE", f"({place}" if place else "+", f"{since}-0", count)

    async def after(self, place: str, count: int) -> list[PlacedEntry]:
        """Entries after this place, in the order in which they were written. One round trip."""
        return await self._range("XRANGE", f"({place}" if place else "-", "+", count)

    async def _range(self, command: str, start: str, end: str, count: int) -> list[PlacedEntry]:
        key = self._keys.audit()
        found = await self._connection.execute(key, command, key, start, end, "COUNT", count)
        return [PlacedEntry(place.decode(), AuditEntry.decode(members[3])) for place, members in found]
