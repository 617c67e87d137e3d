"""Signing keys in Redis: one record that is read, changed and written back only if nobody else did meanwhile."""

from service.records.signing_key import KeySet
from service.store.record_store import RecordStore


class SigningKeys(RecordStore):
    """Our keys in Redis."""

    async def read(self) -> KeySet:
        """All keys; none on an empty Redis. One round trip."""
        key = self._keys.signing_keys()
        data = await self._connection.execute(key, "GET", key)
        return KeySet.decode(data) if data else KeySet()

    async def replace(self, seen: KeySet, wanted: KeySet) -> bool:
        """Write ``wanted`` over ``seen``; False where it is no longer what is there. One round trip."""
        return await self._replaced(self._keys.signing_keys(), seen.encode() if seen.keys else b"", wanted.encode())
