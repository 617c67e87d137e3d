"""Reading and writing of a single kind of record."""

from collections.abc import Sequence
from typing import TypeVar

from service.records.json import Record
from service.redis.connection import Connection
from service.redis.link import Word
from service.redis.script import Script
from service.store.answers import Answer
from service.store.keys import Keys

_Record = TypeVar("_Record", bound=Record)

_compare_and_set = Script("compare_and_set", Answer, confirmed=True)
_compare_and_delete = Script("compare_and_delete", Answer, confirmed=True)

KEEP = ""
"""Lifetimes of a record: KEEP leaves the end as it is; a new record has no end then."""


class ChangedMeanwhileError(Exception):
    """Another caller changed the record between reading and writing it: read it again."""


class RecordStore:
    """One kind of record in Redis."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    async def _read(self, key: str, kind: type[_Record]) -> _Record | None:
        """Read the record under a key. One round trip."""
        data = await self._connection.execute(key, "GET", key)
        return kind.decode(data) if data else None

    async def _read_all(self, keys: Sequence[str]) -> list[bytes | None]:
        """Read the records under each of these keys. One round trip."""
        return await self._connection.execute_all([(key, ("GET", key)) for key in keys])

    async def _read_page(
        self, beginning: str, kind: type[_Record], cursor: str, count: int
    ) -> tuple[list[_Record], str]:
        """Read some of the records whose keys begin so, among ``10 × count`` keys; the next cursor is empty at the end."""
        names, following = await self._connection.scan(beginning + "*", cursor, count * 10)
        return [kind.decode(data) for data in await self._read_all(names) if data], following

    async def _delete(self, key: str) -> bool:
        """Delete a key. Return whether it was there. One round trip."""
        return bool(await self._connection.execute(key, "DEL", key)) or key in self._connection.sent_again

    async def _ended(self, key: str, seen: Record | None) -> bool:
        """Delete a record that is still as it was read (None: whatever it is). Return whether it was there. One round trip.

        Raises:
            ChangedMeanwhileError: It is no longer as it was read.
        """
        return await self._deleted(key, seen.encode() if seen else b"", raises=True)

    async def _deleted(self, key: str, seen: bytes, *, raises: bool = False) -> bool:
        """Delete what is still as it was read (empty: whatever it is). Return whether it was. One round trip."""
        answer, _ = await _compare_and_delete.run(self._connection, (key,), seen)
        if raises and answer is Answer.CHANGED:
            raise ChangedMeanwhileError(key)
        return answer is Answer.ENDED or (answer is Answer.UNKNOWN and key in self._connection.sent_again)

    async def _replaced(
        self, key: str, seen: Word, replacement: Word, lifetime: Word = KEEP, *, or_same: bool = False
    ) -> bool:
        """Replace the record that was read before (empty: there was none).

        Return False where it is no longer there; with ``or_same`` True where another caller has written the same. One
        round trip.
        """
        answer, _ = await _compare_and_set.run(self._connection, (key,), seen, replacement, lifetime)
        return answer is Answer.REPLACED or (
            answer is Answer.REPEATED and (or_same or key in self._connection.sent_again)
        )
