"""The built-in directory: users in Redis."""

import logging
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from service.crypto.passwords import Hashing, requested_by
from service.directory.directory import Person
from service.directory.guessing import Attempt, GuessLimiter
from service.observe.events import Event
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.typed_text import prepared_name, prepared_password, spellings_of_password
from service.records.user import User
from service.settings import Settings
from service.store.record_store import ChangedMeanwhileError
from service.store.store import Store

log = logging.getLogger(__name__)

MAX_PASSWORD = 1024
"""The most characters of a password; longer ones are wrong."""


class RedisDirectory:
    """See ``Directory``. One round trip to read, one after a failure to count it."""

    def __init__(self, store: Store, hashing: Hashing, settings: Settings) -> None:
        self._store = store
        self._hashing = hashing
        self._limiter = GuessLimiter(store, settings)

    async def verify(self, username: str, password: str, address: str, device: str | None = None) -> Person | None:
        """See ``Directory``. The name as it was typed may be that of an old record."""
        name, users = prepared_name(username), self._store.users
        names = dict.fromkeys((name, username))
        async with self._limiter.turn(Attempt(name, address, device), *map(users.read_step, names)) as turn:
            user = next(filter(None, map(users.read, turn.found)), None)
            with requested_by(turn.requester):
                spelling = await self._right_spelling(user, password)
                if user is None or spelling is None:
                    await self._limiter.failed(turn)
                    return None
                device = self._limiter.succeeded(turn)
                proved_by = await self._renew_hash(user, spelling)
                return Person(user.subject, user.username, device, user.released_claims, proved_by)

    async def claims(self, subject: str, _scopes: Collection[str], username: str = "") -> Mapping[str, Any] | None:
        """See ``Directory``: all claims that are stored. One round trip, two where ``username`` is not theirs."""
        user = await self._store.users.get_by_subject(subject, username)
        return user.released_claims if user is not None and user.enabled else None

    async def find(self, username: str) -> Person | None:
        """See ``Directory``. One round trip, two where the name is spelled in an old way."""
        users, name = self._store.users, prepared_name(username)
        return _named(await users.get(name) or (await users.get(username) if name != username else None))

    async def find_subject(self, subject: str) -> Person | None:
        """See ``Directory``. One round trip, two where the username is not the subject."""
        return _named(await self._store.users.get_by_subject(subject))

    async def _right_spelling(self, user: User | None, password: str) -> str | None:
        """Return the spelling of the password that is the user's.

        A disabled or unknown user costs as much as a wrong password.
        """
        held = (user.password_hash or None) if user else None
        for spelling in spellings_of_password(password[: 4 * MAX_PASSWORD]):
            matches = await self._hashing.verify(spelling[:MAX_PASSWORD], held)
            if matches and user is not None and user.enabled and len(spelling) <= MAX_PASSWORD:
                return spelling
        return None

    async def _renew_hash(self, user: User, spelling: str) -> str:
        """Hash a password with today's parameters, unless it is: one that takes longer to verify would reveal its user."""
        password = prepared_password(spelling)
        if password == spelling and not self._hashing.is_outdated(user.password_hash):
            return user.password_hash
        try:
            renewed = msgspec.structs.replace(user, password_hash=await self._hashing.hash(password))
            await self._store.users.save(renewed, user)
            return renewed.password_hash
        except (ChangedMeanwhileError, TemporarilyUnavailable) as error:
            log.info(Event.PASSWORD_HASH_NOT_RENEWED, extra={"reason": str(error)})
            return user.password_hash


def _named(user: User | None) -> Person | None:
    """Return a user whom a client named, if they are enabled."""
    if user is None or not user.enabled:
        return None
    return Person(user.subject, user.username, claims=user.released_claims, user_code_hash=user.user_code_hash)
