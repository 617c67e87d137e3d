"""Pushed authorization requests, each until it is spent or its time is over, by the hash of its request_uri (P5)."""

from service.protocol.credentials import hashed
from service.redis.script import Script
from service.store.answers import Answer
from service.store.record_store import RecordStore

_spend = Script("spend_pushed_request", Answer, confirmed=True)
_WAITS = b"waits:"
"""The first bytes of a request that waits; a spent one begins with another word."""


class PushedRequests(RecordStore):
    """Pushed requests in Redis. Each method is one round trip."""

    async def keep(self, secret: str, sealed: bytes, lifetime: int) -> None:
        """Store a request for ``lifetime`` seconds, sealed by its secret."""
        key = self._keys.pushed_request(hashed(secret))
        await self._connection.execute(key, "SET", key, _WAITS + sealed, "EX", lifetime)

    async def get(self, secret: str) -> bytes | None:
        """Return the sealed request; None where there is none, it has expired, or it is spent."""
        key = self._keys.pushed_request(hashed(secret))
        held: bytes | None = await self._connection.execute(key, "GET", key)
        return held.removeprefix(_WAITS) if held is not None and held.startswith(_WAITS) else None

    async def spend(self, secret_hash: str, by: str, ends_at: int) -> bool:
        """Spend a request, even if it has expired. Return False where another one than ``by`` has spent it.

        That is remembered until ``ends_at`` (epoch seconds).
        """
        key = self._keys.pushed_request(secret_hash)
        answer, _ = await _spend.run(self._connection, (key,), by, ends_at)
        return answer is Answer.SPENT
