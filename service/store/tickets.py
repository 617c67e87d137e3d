"""Tickets: the state of each authorization request that waits for a user, and requests that no browser can keep for us.

A ticket is known here by its hash only (P5).
"""

from service.protocol.credentials import hashed
from service.redis.script import Script
from service.store.answers import Answer
from service.store.record_store import RecordStore

advance_ticket = Script("advance_ticket", Answer, confirmed=True)


class Tickets(RecordStore):
    """Tickets in Redis. Each method is one round trip."""

    async def keep_request(self, ticket: str, sealed: bytes, lifetime: int) -> None:
        """Store a request for ``lifetime`` seconds, sealed by its ticket."""
        key = self._keys.ticket_request(hashed(ticket))
        await self._connection.execute(key, "SET", key, sealed, "EX", lifetime)

    async def get_request(self, ticket: str) -> tuple[bytes | None, bytes]:
        """Return the sealed request, None where there is none, and its progress."""
        request, progress = self._keys.ticket_request(hashed(ticket)), self._keys.ticket(hashed(ticket))
        sealed, kept = await self._connection.execute_all([(request, ("GET", request)), (progress, ("GET", progress))])
        return sealed, kept or b""

    async def get_progress(self, ticket: str) -> bytes:
        """Return the progress of a request; empty where nothing has happened yet."""
        key = self._keys.ticket(hashed(ticket))
        return await self._connection.execute(key, "GET", key) or b""

    async def advance(self, ticket: str, seen: bytes, changed: bytes, ends: int) -> bool:
        """Replace the progress ``seen`` (empty: there was none). Return False where it was changed meanwhile.

        ``ends`` is in epoch seconds.
        """
        answer, _ = await advance_ticket.run(
            self._connection, (self._keys.ticket(hashed(ticket)),), seen, changed, ends
        )
        return answer is Answer.ADVANCED
