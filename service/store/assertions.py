"""Assertions that were used: each counts once, until it would have expired anyway."""

import asyncio
from enum import StrEnum
from hashlib import sha512

from service.protocol.credentials import base64url
from service.store import keys
from service.store.connection import Connection
from service.store.script import Script


class UseAnswer(StrEnum):
    FIRST = "first"
    USED = "used"


_use = Script("use_assertion", ("assertion",), ("by", "ends"), UseAnswer)
SCRIPTS = (_use,)


class Assertions:
    """Used assertions in Redis, by a hash of who made them and their ``jti``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def use_soon(self, name: str, ends_at: int, by: bytes) -> asyncio.Task[bool]:
        """Use it; whether it is the first time. It leaves at the end of this turn of the loop, with what else is sent in
        it, so it costs no round trip of its own. ``by``: random bytes, which tell a repeated command from a second use.
        """
        task = asyncio.ensure_future(self._use(name, ends_at, by))
        task.add_done_callback(_swallow)  # whoever waits gets it; nobody may, where the request was refused before
        return task

    async def _use(self, name: str, ends_at: int, by: bytes) -> bool:
        key = keys.assertion(base64url(sha512(name.encode("utf-8", "surrogatepass")).digest()[:24]))
        answer, _ = await _use.run(self._connection, (key,), by, ends_at)
        return answer is UseAnswer.FIRST


def _swallow(task: asyncio.Task[bool]) -> None:
    if not task.cancelled():
        task.exception()
