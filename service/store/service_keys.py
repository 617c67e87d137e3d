"""Our own keys in Redis: a record for each use, replaced only if no other process has changed it meanwhile."""

from service.records.signing_key import KeySet
from service.redis.connection import Connection
from service.store.keys import Keys
from service.store.record_store import RecordStore


class ServiceKeys(RecordStore):
    """Our keys of one use in Redis."""

    def __init__(self, connection: Connection, keys: Keys, place: str) -> None:
        """Use the keys under the key ``place``."""
        super().__init__(connection, keys)
        self._place = place

    async def read(self) -> KeySet:
        """Read all keys; none on an empty Redis. One round trip."""
        return await self._read(self._place, KeySet) or KeySet()

    async def replace(self, seen: KeySet, wanted: KeySet) -> bool:
        """Replace ``seen`` by ``wanted``. Return False where it is no longer there. One round trip."""
        return await self._replaced(self._place, seen.encode() if seen.keys else b"", wanted.encode())
