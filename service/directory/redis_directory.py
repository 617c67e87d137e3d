"""The built-in directory: users in Redis."""

import logging
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from service.directory.directory import Person
from service.directory.guard import Attempt, Guard
from service.hashing import Hashing
from service.protocol.errors import TemporarilyUnavailable
from service.records.user import User
from service.settings import Settings
from service.store.clients import ChangedMeanwhileError
from service.store.store import Store

log = logging.getLogger(__name__)

MAX_PASSWORD = 1024
"""Characters of a password; longer ones are wrong."""


class RedisDirectory:
    """See ``Directory``. One round trip to read, one after a failure to count it."""

    def __init__(self, store: Store, hashing: Hashing, settings: Settings) -> None:
        self._store = store
        self._hashing = hashing
        self._guard = Guard(store, settings)

    async def verify(self, username: str, password: str, address: str) -> Person | None:
        attempt = Attempt(username, address)
        users = self._store.users
        async with self._guard.turn(attempt):
            found, *replies = await self._store.connection.execute_all(
                [users.read_step(username), *self._guard.steps(attempt)]
            )
            failed_before = self._guard.check(replies)
            user = users.read(found)
            if user is None:
                await self._hashing.verify(password[:MAX_PASSWORD], None)  # as much work as for a user that exists
            elif await self._is_theirs(user, password):
                if failed_before:
                    self._guard.succeeded(attempt)
                await self._renew_hash(user, password)
                return Person(user.subject, user.username)
            await self._guard.failed(attempt)
            return None

    async def claims(self, subject: str, scopes: Collection[str]) -> Mapping[str, Any] | None:
        """See ``Directory``: all claims that are kept. Two round trips."""
        user = await self._store.users.get_by_subject(subject)
        return user.claims if user is not None and user.enabled else None

    async def _is_theirs(self, user: User, password: str) -> bool:
        """A disabled user costs the same work and gets the same answer as a wrong password."""
        matches = await self._hashing.verify(password[:MAX_PASSWORD], user.password_hash or None)
        return matches and user.enabled and len(password) <= MAX_PASSWORD

    async def _renew_hash(self, user: User, password: str) -> None:
        """A password that was hashed at another cost is hashed at today's: else who is slower to check would stand out."""
        if not self._hashing.is_outdated(user.password_hash):
            return
        try:
            renewed = msgspec.structs.replace(user, password_hash=await self._hashing.hash(password))
            await self._store.users.save(renewed, user)
        except (ChangedMeanwhileError, TemporarilyUnavailable) as error:
            log.info("password_hash_not_renewed", extra={"reason": str(error)})
