"""Signing keys in Redis: one record that is read, changed and written back only if nobody else did meanwhile."""

from service.records.signing_key import KeySet
from service.store.clients import KEEP, SCRIPTS, SetAnswer
from service.store.record_store import RecordStore

(_set,) = SCRIPTS


class SigningKeys(RecordStore):
    """Our keys in Redis."""

    async def read(self) -> KeySet:
        """All keys; none on an empty Redis. One round trip."""
        key = self._keys.signing_keys()
        data = await self._connection.execute(key, "GET", key)
        return KeySet.decode(data) if data else KeySet()

    async def replace(self, seen: KeySet, wanted: KeySet) -> bool:
        """Write ``wanted`` over ``seen``; False where it is no longer what is there. One round trip."""
        before = seen.encode() if seen.keys else b""
        answer, _ = await _set.run(self._connection, (self._keys.signing_keys(),), before, wanted.encode(), KEEP)
        return answer is SetAnswer.REPLACED
