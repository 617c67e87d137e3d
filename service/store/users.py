"""Users of the built-in directory: a record under the username, a pointer under the subject."""

import secrets

from service.records.user import User
from service.redis.connection import KeyedCommand
from service.redis.link import Word
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
        user = self.read(record) if found.decode() == guess else await self.get(found.decode())
        return user if user is not None and user.subject == subject else None

    async def list_page(self, cursor: str = "", count: int = 100) -> tuple[list[User], str]:
        """Return some users and the cursor of the next page, empty at the end. A call looks at about ``10 × count`` keys."""
        return await self._read_page(self._keys.username(""), User, cursor, count)

    async def save(self, user: User, seen: User | None) -> None:
        """Replace the user that was read before (None: it is new).

        The pointer of the subject is claimed first, so that no two users share a subject. Disabling sets the mark that every
        issue of a token checks; call ``Grants.revoke_user`` afterwards to end the grants that exist.

        Raises:
            ChangedMeanwhileError: The record is no longer as ``seen``, or the subject is another user's.
        """
        record, mark = self._keys.username(user.username), self._keys.user_disabled(user.subject)
        await self._claim_subject(user)
        if not user.enabled:
            await self._mark(mark)
        marked: bytes | None = await self._connection.execute(mark, "GET", mark) if user.enabled else None
        if not await self._replaced(record, seen.encode() if seen else b"", user.encode()):
            await self._drop_stray_pointer(user)
            raise ChangedMeanwhileError(user.username)
        if seen is None and not await self._has_subject(user):  # it looked free, as this record was not there yet
            await self._deleted(record, user.encode())
            raise ChangedMeanwhileError(f"the subject {user.subject} belongs to another user")
        if not user.enabled:
            await self._mark(mark)  # again: a change of the enabled user may have deleted the mark that it found
        elif marked:
            await self._deleted(mark, marked)  # and not one that came after it

    async def delete(self, user: User) -> bool:
        """Delete a user. Return whether it was there. Call ``Grants.revoke_user`` afterwards to end the grants."""
        await self._mark(self._keys.user_disabled(user.subject), "EX", _GONE_FOR)
        was_there = await self._delete(self._keys.username(user.username))
        await self._deleted(self._keys.user(user.subject), user.username.encode())
        return was_there

    async def _claim_subject(self, user: User) -> None:
        """Let the pointer of the subject name this user; one that names none with this subject was left by an act cut off."""
        pointer = self._keys.user(user.subject)
        held: bytes | None = await self._connection.execute(pointer, "GET", pointer)
        if held == user.username.encode():
            return
        holder = await self.get(held.decode()) if held else None
        is_taken = holder is not None and holder.subject == user.subject
        if is_taken or not await self._replaced(pointer, held or b"", user.username, or_same=True):
            raise ChangedMeanwhileError(f"the subject {user.subject} belongs to another user")

    async def _has_subject(self, user: User) -> bool:
        pointer = self._keys.user(user.subject)
        return bool(await self._connection.execute(pointer, "GET", pointer) == user.username.encode())

    async def _mark(self, mark: str, *options: Word) -> None:
        """Mark a user as disabled, by a word that tells this mark from an earlier one."""
        await self._connection.execute_confirmed(mark, "SET", mark, secrets.token_hex(8), *options)

    async def _drop_stray_pointer(self, user: User) -> None:
        """Free the subject of a user whose username another one has taken."""
        held = await self.get(user.username)
        if held is not None and held.subject != user.subject:
            await self._deleted(self._keys.user(user.subject), user.username.encode())
