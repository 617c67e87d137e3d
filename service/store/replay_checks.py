"""Replay checks: what may be used once (``jti`` of assertions and proofs) is remembered until it would have expired anyway."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha512

import msgspec

from service.protocol.credentials import base64url
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.redis.connection import Begun, Connection
from service.redis.script import Script
from service.store.answers import Answer
from service.store.record_store import RecordStore

_record = Script("record_first_use", Answer, confirmed=True)
_FIRST = Answer.FIRST
_release = Script("release_first_use", Answer)


class Use(msgspec.Struct, frozen=True):
    """One use of something that may be used once."""

    name: str
    """A name that identifies what is used."""
    ends_at: int
    """The epoch second until which it could be used again."""
    by: bytes
    """A random word that distinguishes a command that is sent again from another use."""
    refusal: Callable[[], ProtocolError]
    """Makes the error for a second use."""
    is_irreplaceable: bool = False
    """Whether it may be used again after Redis has failed, because its issuer may not make another one."""


class ReplayCheck:
    """The check that something is used for the first time, which may be under way to Redis."""

    def __init__(self, connection: Connection, key: str, use: Use) -> None:
        self.use = use
        self._connection = connection
        self._key = key
        self._begun: Begun | None = None

    def start(self) -> Begun:
        """Record the use, unless that is under way. The command leaves with all others of this turn of the loop."""
        if self._begun is None:
            step = _record.step(self._connection, (self._key,), (self.use.by, self.use.ends_at))
            self._begun = self._connection.begin(*step)
        return self._begun

    @property
    def is_under_way(self) -> bool:
        """Whether the command was sent, or leaves in this turn of the loop."""
        return self._begun is not None

    async def is_first_use(self) -> bool:
        """Whether this is the first use. Raises TemporarilyUnavailable."""
        return _record.read(await self._connection.conclude(self.start()))[0] is _FIRST

    async def release(self) -> None:
        """Let it be used again after a use that failed. Raises TemporarilyUnavailable."""
        with suppress(TemporarilyUnavailable):  # it may have been recorded all the same, and must not be after this
            if not await self.is_first_use():
                return  # the use of another request
        await _release.run(self._connection, (self._key,), self.use.by)


class ReplayChecks(RecordStore):
    """Uses in Redis, by a hash of what was used."""

    def record(self, use: Use) -> ReplayCheck:
        """Record a use, without waiting."""
        check = self.prepare(use)
        check.start()
        return check

    def prepare(self, use: Use) -> ReplayCheck:
        """Make the check of a use that is only recorded once the request proves to be worth it."""
        digest = sha512(use.name.encode("utf-8", "surrogatepass")).digest()
        return ReplayCheck(self._connection, self._keys.assertion(base64url(digest[:24])), use)


def start(checks: Iterable[ReplayCheck]) -> None:
    """Record the uses, without waiting."""
    for check in checks:
        check.start()


def under_way(checks: Iterable[ReplayCheck]) -> list[ReplayCheck]:
    """Return the checks that were started; the others wait until the request proves to be worth a place in Redis."""
    return [check for check in checks if check.is_under_way]


async def confirm(checks: Iterable[ReplayCheck]) -> None:
    """Wait until each is known to be the first use. Raises the error of one that is not, and TemporarilyUnavailable."""
    for check in checks:
        if not await check.is_first_use():
            raise check.use.refusal()


async def release(checks: Iterable[ReplayCheck]) -> None:
    """Let what is irreplaceable be used again, as far as Redis can be reached."""
    for check in checks:
        if check.use.is_irreplaceable:
            with suppress(TemporarilyUnavailable):
                await check.release()
