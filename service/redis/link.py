"""One connection to one Redis server that many requests share.

All commands issued in one turn of the event loop leave in one write, and replies are handed out in order: a request
costs a future, not a connection from a pool. redis-py's asyncio connection needs 11 µs of CPU per command for that,
this one 2 µs, which matters for the rate of a token endpoint (see README.md). hiredis parses and
packs.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import Any, cast

import hiredis

from service.observe.redis_watch import Batch, RedisWatch
from service.redis.errors import LinkLostError, ReplyError
from service.settings.redis_url import ServerAddress

Word = str | bytes | int
"""A word of a command."""
RedisReply = Any
"""A reply of Redis: bytes, a number, a list or nothing. Its type follows from the command."""

MAX_PENDING = 20_000
"""Commands that may wait for a reply on one link; more are refused: Redis is not keeping up."""
LINGER = 0.2
"""Seconds that a command may wait for the next one, short enough for ``tokens.redeemed_once``."""
_TICKS = 8
"""Checks per timeout: a missing reply is noticed up to an eighth of the timeout late."""


class Link(asyncio.Protocol):
    """A connection to a server.

    A reply may take ``timeout`` seconds. ``watch`` sees every batch, in order: replies come in the order of commands, so the
    first batch under way ends first.
    """

    def __init__(self, endpoint: ServerAddress, timeout: float, watch: RedisWatch | None = None) -> None:
        self.endpoint = endpoint
        # what the server states in the handshake
        self.server = ""
        """``redis`` or ``valkey``."""
        self.version: tuple[int, int] = (0, 0)
        self.role = ""
        """``master``, ``replica`` or ``sentinel``."""
        self.mode = ""
        """``standalone``, ``cluster`` or ``sentinel``."""
        self.lost: LinkLostError | None = None
        self._loop = asyncio.get_running_loop()
        self._create_future = self._loop.create_future
        self._reader = hiredis.Reader(protocolError=ReplyError, replyError=ReplyError)
        self._out: list[bytes] = []
        self._leaving = False
        self._linger: asyncio.TimerHandle | None = None
        self._doomed: list[str] = []
        """Keys that are to be deleted with the next write."""
        self._pending: deque[asyncio.Future[Any] | None] = deque()
        """The futures of the replies to come; None where no caller waits."""
        self._replied = 0
        self._tick = timeout / _TICKS
        self._sent_at_ticks: deque[int] = deque(maxlen=_TICKS)
        self._timer: asyncio.TimerHandle | None = None
        self._watch = watch
        self._server = (endpoint.path or endpoint.host, endpoint.port)
        self._traced = watch is not None and watch.tracing is not None
        self._commanded: list[tuple[str, Any]] = []
        self._under_way: deque[Batch] = deque()
        self._transport: asyncio.WriteTransport | None = None

    def send(self, command: Sequence[Word], *, lingers: bool = False) -> asyncio.Future[Any]:
        """Issue a command; the future gets the reply, a ReplyError or a LinkLostError.

        Args:
            command: Its words.
            lingers: Whether it leaves with the next command, or after ``LINGER``, instead of in a write of its own.
        """
        future: asyncio.Future[Any] = self._create_future()
        if self.lost is not None or len(self._pending) >= MAX_PENDING:
            future.set_exception(self.lost or LinkLostError(f"{self.endpoint} does not keep up"))
            return future
        if lingers:
            self._linger = self._linger or self._loop.call_later(LINGER, self._flush_lingering)
        elif not self._leaving:
            self._leaving = True
            self._loop.call_soon(self._flush)
            if self._doomed:
                self._delete_doomed()
        words = command if command.__class__ is tuple else tuple(command)
        self._out.append(hiredis.pack_command(words))  # type: ignore[arg-type]
        self._pending.append(future)
        if self._traced and self._watch is not None:
            self._commanded.append(self._watch.commanded(command[0]))
        return future

    def send_unanswered(self, command: Sequence[Word], *, lingers: bool = False) -> None:
        """Issue a command without waiting for its reply; it may be lost."""
        if self.lost is None and len(self._pending) < MAX_PENDING:
            self.send(command, lingers=lingers)
            self._pending[-1] = None

    def delete_unanswered(self, key: str) -> None:
        """Delete a key, together with others by one command before the next batch; it may be lost. Not for a Cluster."""
        if self.lost is None:
            self._doomed.append(key)
            self._linger = self._linger or self._loop.call_later(LINGER, self._flush_lingering)

    def close(self, reason: str = "closed") -> None:
        """Close the connection; each caller that waits gets a LinkLostError."""
        self.connection_lost(LinkLostError(f"{self.endpoint}: {reason}"))

    def _flush(self) -> None:
        out, self._out = self._out, []
        self._leaving = False
        if not out or self._transport is None or self.lost is not None:
            return
        try:
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))
        except RuntimeError as error:  # uvloop, where the peer closed a moment ago and connection_lost is still to come
            self.close(str(error))
            return
        if self._timer is None:
            self._timer = self._loop.call_later(self._tick, self._check_timeout)
        if self._watch is not None:
            batch = Batch(len(out), self._replied + len(self._pending), perf_counter())
            self._under_way.append(batch)
            if self._commanded:
                commanded, self._commanded = self._commanded, []
                self._watch.sent(batch, commanded)

    def _flush_lingering(self) -> None:
        """Send lingering commands that have not left yet. The timer runs on when they leave, as a new one costs more."""
        self._linger = None
        if self._doomed:
            self._delete_doomed()
        else:
            self._flush()

    def _delete_doomed(self) -> None:
        doomed, self._doomed = self._doomed, []
        self.send_unanswered(("DEL", *doomed))

    def _check_timeout(self) -> None:
        """Close the link where a reply is overdue; called every eighth of the timeout while replies are due."""
        self._timer = None
        if len(self._pending) == len(self._out):  # what lingers has not been sent
            self._sent_at_ticks.clear()
            return
        if len(self._sent_at_ticks) == _TICKS - 1 and self._replied < self._sent_at_ticks[0]:
            self.close("no reply within the timeout")
            return
        if len(self._sent_at_ticks) == _TICKS - 1:
            self._sent_at_ticks.popleft()
        self._sent_at_ticks.append(self._replied + len(self._pending) - len(self._out))
        self._timer = self._loop.call_later(self._tick, self._check_timeout)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.WriteTransport, transport)
        if self._watch is not None:
            self._watch.metrics.redis_connected()

    def data_received(self, data: bytes) -> None:
        """Hand out the replies in these bytes."""
        try:
            self._reader.feed(data)
            next_reply, received = self._reader.gets, self.reply_received
            while (reply := next_reply()) is not False:
                received(reply)
            while self._under_way and self._replied >= self._under_way[0].complete_at:
                batch = self._under_way.popleft()
                if self._watch is not None:
                    self._watch.answered(batch, self._server)
        except ReplyError as error:  # bytes that are not RESP
            self.close(str(error))

    def reply_received(self, reply: object) -> None:
        """Hand a reply to the caller that waits longest."""
        self._replied += 1
        future = self._pending.popleft()
        if future is None or future.done():  # no caller waits, or it has given up
            return
        if reply.__class__ is ReplyError:
            future.set_exception(reply)
        else:
            future.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what waits for a reply."""
        if self.lost is not None:
            return
        if isinstance(exc, LinkLostError):
            self.lost = exc
        else:
            self.lost = LinkLostError(f"{self.endpoint}: {exc or 'closed by Redis'}")
            self.lost.__cause__ = exc
        if self._transport is not None:
            self._transport.abort()
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None and self._transport is not None:
            self._watch.disconnected(
                self._under_way, self._server, by_us=isinstance(exc, LinkLostError) and not self._pending
            )
        while self._pending:
            future = self._pending.popleft()
            if future is not None and not future.done():
                future.set_exception(self.lost)


def ignore_reply(future: asyncio.Future[Any]) -> None:
    """Ignore the result of a future, as its callback: no caller waits for this reply, so its failure is not reported."""
    if not future.cancelled():
        future.exception()
