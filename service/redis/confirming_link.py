"""A link whose replies wait until replicas have the change, too (``redis_wait_replicas``).

A change that no replica has received is lost with its primary: a code that was redeemed a moment ago could then be redeemed
once more. Here each reply waits until enough replicas confirm (WAIT), one WAIT for all commands of an event-loop turn.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from enum import Enum, auto
from typing import Any

from service.observe.redis_watch import RedisWatch
from service.redis.errors import LinkLostError, ReplyError
from service.redis.link import Link, Word, ignore_reply
from service.settings.redis_url import ServerAddress


class _Kind(Enum):
    ACT = auto()  # its reply is kept back until it is confirmed
    QUESTION = auto()  # changes nothing: its reply is handed out at once
    WAIT = auto()


class ConfirmingLink(Link):
    """A link that waits for replicas.

    Where too few confirm, each act of that turn fails with NOREPLICAS: it was executed, but may be lost with the
    primary, so it must not be reported as done.

    Args:
        endpoint: The server.
        timeout: Seconds that a reply may take.
        watch: Sees every batch.
        replicas: The number of replicas that must confirm.
        patience: Milliseconds within which they have to confirm.
    """

    def __init__(
        self, endpoint: ServerAddress, timeout: float, watch: RedisWatch | None, *, replicas: int, patience: int
    ) -> None:
        super().__init__(endpoint, timeout, watch)
        self._replicas = replicas
        self._wait = ("WAIT", replicas, patience)
        self._kinds: deque[_Kind] = deque()
        self._done: list[tuple[asyncio.Future[Any] | None, Any]] = []
        self._acts = False

    def touch(self, key: str) -> None:
        """Write a meaningless key in the slot of ``key``, before the first act of a turn.

        WAIT covers only the writes of this very connection, and an act whose effect is there already (another try after a
        lost reply, a repeated refresh) writes nothing itself.
        """
        if not self._acts:
            self._acts = True
            self.send(("SET", touch_key(key), "", "PX", 1000)).add_done_callback(ignore_reply)

    def act(self, command: Sequence[Word]) -> asyncio.Future[Any]:
        """Issue a command; the future gets its reply once it is confirmed."""
        return self._issue(command, _Kind.ACT)

    def send(self, command: Sequence[Word], *, lingers: bool = False) -> asyncio.Future[Any]:  # noqa: ARG002 (of Link)
        """Issue a command whose reply need not be confirmed; it never lingers."""
        return self._issue(command, _Kind.QUESTION)

    def _issue(self, command: Sequence[Word], kind: _Kind) -> asyncio.Future[Any]:
        future = super().send(command)
        if not future.done():  # otherwise it was refused
            self._kinds.append(kind)
        return future

    def _flush(self) -> None:
        if self._acts and self._out:
            wait = self._issue(self._wait, _Kind.WAIT)
            wait.add_done_callback(ignore_reply)
            if wait.done():
                self.close("does not keep up")
        self._acts = False
        super()._flush()

    def reply_received(self, reply: object) -> None:
        """Keep the reply of an act back until that of WAIT has come."""
        kind = self._kinds.popleft()
        if kind is _Kind.ACT:
            self._replied += 1
            self._done.append((self._pending.popleft(), reply))
            return
        super().reply_received(reply)
        if kind is _Kind.WAIT:
            self._conclude(reply)

    def _conclude(self, confirmed_by: object) -> None:
        done, self._done = self._done, []
        safe = confirmed_by.__class__ is int and confirmed_by >= self._replicas
        for future, reply in done:
            if future is None or future.done():  # the caller that waited has given up
                continue
            if reply.__class__ is ReplyError:
                future.set_exception(reply)
            elif safe:
                future.set_result(reply)
            else:
                future.set_exception(
                    ReplyError(f"NOREPLICAS {confirmed_by} of {self._replicas} replicas have confirmed it")
                )

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what waits for a reply, or for replicas."""
        super().connection_lost(exc)
        done, self._done = self._done, []
        for future, _ in done:
            if future is not None and not future.done():
                future.set_exception(self.lost or LinkLostError(str(self.endpoint)))


def touch_key(key: str) -> str:
    """Return a key without meaning in the same slot, under the same prefix."""
    return f"{key}:touch" if "{" in key else f"{key.partition(':')[0]}:touch:{{{key}}}"
