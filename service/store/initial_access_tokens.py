"""Initial access tokens, each for some registrations within some time (RFC 7591 section 3)."""

from service.redis.script import Script
from service.store.answers import Answer
from service.store.record_store import RecordStore

UNLIMITED = -1


_keep = Script("keep_initial_access_token", Answer)
_spend = Script("spend_initial_access_token", Answer, confirmed=True)
_release = Script("release_initial_access_token", Answer)


class InitialAccessTokens(RecordStore):
    """Initial access tokens in Redis, by their hash."""

    async def keep(self, token_hash: str, uses: int, lifetime: int) -> None:
        """Store a token for some seconds, and for so many registrations (``UNLIMITED`` = any number). One round trip."""
        await _keep.run(self._connection, (self._keys.initial_access_token(token_hash),), uses, lifetime)

    async def spend(self, token_hash: str, by: str) -> bool:
        """Use it once, under a random word. Return False where there is none, or no use is left. One round trip."""
        answer, _ = await _spend.run(self._connection, (self._keys.initial_access_token(token_hash),), by)
        return answer is Answer.SPENT

    async def release(self, token_hash: str, by: str) -> None:
        """Undo a ``spend`` that was the last one. One round trip."""
        await _release.run(self._connection, (self._keys.initial_access_token(token_hash),), by)
