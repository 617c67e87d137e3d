"""Keys of ours in Redis: a record for each use, read, changed and written back only if no other process did meanwhile."""

from service.records.signing_key import KeySet
from service.redis.connection import Connection
from service.store.keys import Keys
from service.store.record_store import RecordStore


class ServiceKeys(RecordStore):
    """Our keys of one use in Redis."""

    def __init__(self, connection: Connection, keys: Keys, place: str) -> None:
        """Find them under the key ``place``."""
        super().__init__(connection, keys)
        self._place = place

    async def read(self) -> KeySet:
        """All keys; none on an empty Redis. One round trip."""
        return await self._read(self._place, KeySet) or KeySet()

    async def replace(self, seen: KeySet, wanted: KeySet) -> bool:
        """Write ``wanted`` over ``seen``; False where it is no longer what is there. One round trip."""
        return await self._replaced(self._place, seen.encode() if seen.keys else b"", wanted.encode())
