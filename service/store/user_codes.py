"""User codes, by which users find the request of their device; each points to one until it expires (RFC 8628).

A code is short: Redis holds it as a keyed hash only, and the reference that it points to cannot be used to poll.
"""

from service.redis.connection import Connection, KeyedCommand
from service.store.keys import Keys
from service.store.pseudonyms import Pseudonyms
from service.store.record_store import RecordStore


class UserCodes(RecordStore):
    """User codes in Redis."""

    def __init__(self, connection: Connection, keys: Keys, pseudonyms: Pseudonyms) -> None:
        super().__init__(connection, keys)
        self._pseudonyms = pseudonyms

    async def reserve(self, code: str, reference: str, lifetime: int) -> bool:
        """Let a code point to a request for ``lifetime`` seconds. Return False where the code is taken. One round trip."""
        key = self._key(code)
        return bool(await self._connection.execute(key, "SET", key, reference, "NX", "EX", lifetime))

    async def find(self, code: str) -> str:
        """Return the reference that a code points to, "" where there is none. One round trip."""
        key, command = self.find_step(code)
        found: bytes | None = await self._connection.execute(key, *command)
        return found.decode("ascii") if found else ""

    def find_step(self, code: str) -> KeyedCommand:
        """Return a step for ``execute_all`` whose reply is the reference that a code points to, None where there is none."""
        key = self._key(code)
        return key, ("GET", key)

    def _key(self, code: str) -> str:
        return self._keys.user_code(self._pseudonyms.of(f"user code\0{code}"))
