"""Sessions of operators at the console, by the hash of their cookie."""

from service.records.operator_session import OperatorSession
from service.store.record_store import RecordStore


class OperatorSessions(RecordStore):
    """Sessions in Redis. Times are epoch seconds; each method is one round trip."""

    async def get(self, cookie_hash: str) -> OperatorSession | None:
        """Return a living session."""
        return await self._read(self._keys.operator_session(cookie_hash), OperatorSession)

    async def keep(self, cookie_hash: str, session: OperatorSession, ends_at: int) -> None:
        """Store a new session."""
        key = self._keys.operator_session(cookie_hash)
        await self._connection.execute(key, "SET", key, session.encode(), "EXAT", ends_at)

    def extend_soon(self, cookie_hash: str, ends_at: int) -> None:
        """Extend a session that is used, without waiting; one that has ended stays ended."""
        key = self._keys.operator_session(cookie_hash)
        self._connection.execute_soon(key, ("EXPIREAT", key, ends_at))

    async def end(self, cookie_hash: str) -> None:
        """End a session."""
        await self._delete(self._keys.operator_session(cookie_hash))
