"""Users of the built-in directory: a record under the username, a pointer under the subject."""

from service.records.user import User
from service.redis.connection import KeyedCommand
from service.store.record_store import ChangedMeanwhileError, RecordStore

_GONE_FOR = 60
"""Seconds for which a deleted user counts as disabled: longer than any request that is under way."""


class Users(RecordStore):
    """Users in Redis."""

    async def get(self, username: str) -> User | None:
        """Return a user by name. One round trip."""
        return await self._read(self._keys.username(username), User)

    def read_step(self, username: str) -> KeyedCommand:
        """Return a step for ``execute_all`` that reads a user; ``read`` takes its reply."""
        key = self._keys.username(username)
        return key, ("GET", key)

    @staticmethod
    def read(reply: bytes | None) -> User | None:
        """Return the user in the reply to ``read_step``."""
        return User.decode(reply) if reply else None

    async def get_by_subject(self, subject: str, username: str = "") -> User | None:
        """Return the user with this subject, which points to the username.

        One round trip where the username is as guessed (the subject itself, unless given), else two.
        """
        pointer, guess = self._keys.user(subject), username or subject
        found, record = await self._connection.execute_all([(pointer, ("GET", pointer)), self.read_step(guess)])
        if not found:
            return None
        return self.read(record) if found.decode() == guess else await self.get(found.decode())

    async def list_page(self, cursor: str = "", count: int = 100) -> tuple[list[User], str]:
        """Return some users and the cursor of the next page, empty at the end. A call looks at about ``10 × count`` keys."""
        return await self._read_page(self._keys.username(""), User, cursor, count)

    async def save(self, user: User, seen: User | None) -> None:
        """Replace the user that was read before (None: it is new).

        The pointer of the subject is claimed first, so that no two users share a subject. Disabling sets the mark that every
        issue of
        a token checks; call ``Grants.revoke_user`` afterwards to end the grants that exist. Raises ChangedMeanwhileError where
        the
        record is no longer as ``seen``, or the subject is another user's.
        """
        pointer, mark = self._keys.user(user.subject), self._keys.user_disabled(user.subject)
        if not await self._replaced(pointer, user.username if seen else b"", user.username):
            raise ChangedMeanwhileError(f"the subject {user.subject} belongs to another user")
        if not user.enabled:
            await self._connection.execute_confirmed(mark, "SET", mark, "1")
        record = self._keys.username(user.username)
        if not await self._replaced(record, seen.encode() if seen else b"", user.encode()):
            await self._drop_stray_pointer(user)
            raise ChangedMeanwhileError(user.username)
        if user.enabled:
            await self._delete(mark)

    async def delete(self, user: User) -> bool:
        """Delete a user. Return whether it was there. Call ``Grants.revoke_user`` afterwards to end the grants."""
        mark = self._keys.user_disabled(user.subject)
        record, pointer = self._keys.username(user.username), self._keys.user(user.subject)
        await self._connection.execute_confirmed(mark, "SET", mark, "1", "EX", _GONE_FOR)
        deleted, _ = await self._connection.execute_all([(record, ("DEL", record)), (pointer, ("DEL", pointer))])
        return bool(deleted)

    async def _drop_stray_pointer(self, user: User) -> None:
        """Free the subject of a user whose username another one has taken."""
        held = await self.get(user.username)
        if held is not None and held.subject != user.subject:
            await self._delete(self._keys.user(user.subject))
