"""The index of requests that wait for a user's approval, by user. What it points to ends by itself."""

from service.redis.script import Script
from service.store.answers import Answer
from service.store.record_store import RecordStore

_index = Script("index_approval", Answer)
_MOST_SHOWN = 50
"""The most requests of one user that are read."""


class Approvals(RecordStore):
    """The indexes of approvals in Redis. Each method is one round trip."""

    async def index(self, subject: str, client_id: str, reference: str, ends_at: int, most: int) -> bool:
        """Index a request until ``ends_at`` (epoch seconds).

        Return False where ``most`` requests of this client wait for the user.
        """
        key = self._keys.user_approvals(subject)
        answer, _ = await _index.run(self._connection, (key,), client_id, reference, ends_at, most)
        return answer is Answer.INDEXED

    async def of_user(self, subject: str, now: int) -> list[str]:
        """Return the references of the user's requests, those that end first in front; some may be decided or over.

        What has ended by ``now`` (epoch seconds) stays in the index until the next request enters it, and is not returned.
        """
        key = self._keys.user_approvals(subject)
        members = await self._connection.execute(key, "ZRANGEBYSCORE", key, f"({now}", "+inf", "LIMIT", 0, _MOST_SHOWN)
        return [member.decode().partition(" ")[0] for member in members]

    def unindex_soon(self, subject: str, client_id: str, reference: str) -> None:
        """Remove a decided request from the index, without waiting."""
        key = self._keys.user_approvals(subject)
        self._connection.execute_soon(key, ("ZREM", key, f"{reference} {client_id}"))
