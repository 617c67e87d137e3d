"""Assertions that were used: each counts once, until it would have expired anyway."""

import asyncio
from enum import StrEnum
from hashlib import sha512

from service.protocol.credentials import base64url
from service.redis.connection import Connection
from service.redis.script import Script
from service.store.keys import Keys


class UseAnswer(StrEnum):
    FIRST = "first"
    USED = "used"


class GiveBackAnswer(StrEnum):
    GIVEN_BACK = "given_back"
    UNKNOWN = "unknown"


_use = Script("use_assertion", ("assertion",), ("by", "ends"), UseAnswer, confirmed=True)
_give_back = Script("give_back_assertion", ("assertion",), ("by",), GiveBackAnswer)
SCRIPTS = (_use, _give_back)


class ReplayCheck:
    """The check that an assertion is used for the first time, on its way to Redis.

    ``by`` is random, and tells a repeated command from another use.
    """

    def __init__(self, connection: Connection, keys: Keys, name: str, by: bytes, ends_at: int) -> None:
        self._connection = connection
        self._key = keys.assertion(base64url(sha512(name.encode("utf-8", "surrogatepass")).digest()[:24]))
        self._by = by
        self._task = asyncio.ensure_future(self._send(ends_at))
        self._task.add_done_callback(_swallow)  # nobody may ask, where the request was refused before

    async def is_first_use(self) -> bool:
        """Whether nobody used it before. Raises TemporarilyUnavailable."""
        return await asyncio.shield(self._task)

    async def release(self) -> None:
        """It may be used again: nothing came of this use. Raises TemporarilyUnavailable."""
        await _give_back.run(self._connection, (self._key,), self._by)

    async def _send(self, ends_at: int) -> bool:
        answer, _ = await _use.run(self._connection, (self._key,), self._by, ends_at)
        return answer is UseAnswer.FIRST


class Assertions:
    """Used assertions in Redis, by a hash of who made them and their ``jti``."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def record(self, name: str, ends_at: int, by: bytes) -> ReplayCheck:
        """Record its use. The command leaves with what else is sent in this turn of the loop: no round trip of its own."""
        return ReplayCheck(self._connection, self._keys, name, by, ends_at)


def _swallow(task: asyncio.Task[bool]) -> None:
    if not task.cancelled():
        task.exception()
