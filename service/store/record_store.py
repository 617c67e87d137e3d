"""What every kind of record needs to be kept."""

from service.redis.connection import Connection
from service.redis.link import Word
from service.redis.script import Script
from service.store.answers import Answer
from service.store.keys import Keys

_compare_and_set = Script("compare_and_set", Answer, confirmed=True)

KEEP = ""
"""A lifetime of a record: as it is; for ever, where the record is new."""


class ChangedMeanwhileError(Exception):
    """Somebody else changed the record between reading and writing it: read again."""


class RecordStore:
    """One kind of record in Redis."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    async def _replaced(self, key: str, seen: Word, replacement: Word, lifetime: Word = KEEP) -> bool:
        """Write a record over what was read before (empty: nothing); False where that is no longer there. One round trip."""
        answer, _ = await _compare_and_set.run(self._connection, (key,), seen, replacement, lifetime)
        return answer is Answer.REPLACED
