"""Signing keys in Redis: one record that is read, changed and written back only if no other process did meanwhile."""

from service.records.signing_key import KeySet
from service.store.record_store import RecordStore


class SigningKeys(RecordStore):
    """Our keys in Redis."""

    async def read(self) -> KeySet:
        """All keys; none on an empty Redis. One round trip."""
        return await self._read(self._keys.signing_keys(), KeySet) or KeySet()

    async def replace(self, seen: KeySet, wanted: KeySet) -> bool:
        """Write ``wanted`` over ``seen``; False where it is no longer what is there. One round trip."""
        return await self._replaced(self._keys.signing_keys(), seen.encode() if seen.keys else b"", wanted.encode())
