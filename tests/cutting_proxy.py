"""A TCP proxy in front of one Redis node that loses a chosen command, a chosen reply, or half of one.

    async with CuttingProxy(node.host, node.port) as proxy:
        connect(proxy.url)
        proxy.cut_after("EVALSHA")     # the next EVALSHA runs, and its reply gets lost

It reads RESP 2 and 3, but no inline commands. Replies are matched to commands by their order. So pushes (pub/sub and others)
are passed on uncounted, and SUBSCRIBE and similar commands cannot be cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self

import hiredis

from service.redis.address import Address

Command = list[bytes]
Matcher = str | Callable[[Command], bool]
Moment = Literal["before", "after", "halfway"]

CHUNK_BYTES = 65536
SUBSCRIBING = {b"SUBSCRIBE", b"UNSUBSCRIBE", b"PSUBSCRIBE", b"PUNSUBSCRIBE", b"SSUBSCRIBE", b"SUNSUBSCRIBE"}
UNASKED = {b"message", b"pmessage", b"smessage"} | {name.lower() for name in SUBSCRIBING}
INCOMPLETE = object()
GIVES_UP = 0.3


@dataclass
class _Cut:
    moment: Moment
    matches: Callable[[Command], bool]
    times: int


class CuttingProxy:
    """A proxy that counts its cuts in ``cuts`` (by moment), and keeps every command in ``commands``.

    ``round_trips`` counts the commands or pipelines that were sent while their connection awaited nothing.
    """

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.cuts: Counter[Moment] = Counter()
        self.commands: list[Command] = []
        self.round_trips = 0
        self.hanging = False
        self.refusing = False
        self._orders: list[_Cut] = []
        self._patience: list[tuple[Address, float]] = []
        self._passages: dict[asyncio.Task[None], _Passage] = {}
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server, "the proxy is not running"
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Stop listening, and close every connection."""
        if self._server:
            self._server.close()
            self.drop()
            await asyncio.gather(*self._passages)
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # Faults

    def shorten(self, address: Address) -> None:
        """Shorten the timeout of an address to a third of a second, from the first fault until ``heal``.

        Before and after that its own timeout counts, which may be long, so that no result depends on a busy machine.
        """
        self._patience.append((address, address.timeout))

    def _troubled(self, troubled: bool) -> None:
        for address, patience in self._patience:
            object.__setattr__(address, "timeout", GIVES_UP if troubled else patience)  # the one that connections hold

    def cut_before(self, matches: Matcher, times: int = 1) -> None:
        """Close the connection instead of forwarding the next matching command (by name, or by predicate).

        Commands ahead of it in the pipeline are answered first; those behind it are lost as well.
        """
        self._order("before", matches, times)

    def cut_after(self, matches: Matcher, times: int = 1) -> None:
        """Let Redis execute the next matching command, and close the connection instead of passing on its reply.

        Replies ahead of it arrive. Commands already sent behind it are executed as well, as in a real cut.
        """
        self._order("after", matches, times)

    def cut_halfway(self, matches: Matcher, times: int = 1) -> None:
        """Do as ``cut_after``, but pass on half of the reply's bytes."""
        self._order("halfway", matches, times)

    def hang(self) -> None:
        """Execute commands and drop the replies, on every connection; connections stay open."""
        self.hanging = True
        self._troubled(True)

    def refuse(self) -> None:
        """Close every new connection at once; open ones continue (see ``drop``)."""
        self.refusing = True
        self._troubled(True)

    def drop(self) -> None:
        """Close every open connection."""
        for passage in list(self._passages.values()):
            passage.close()

    def heal(self) -> None:
        """Be a plain proxy again; connections that miss a reply are closed, as they could not continue."""
        self.hanging = self.refusing = False
        self._troubled(False)
        self._orders.clear()
        for passage in list(self._passages.values()):
            if passage.swallowed:
                passage.close()

    def _order(self, moment: Moment, matches: Matcher, times: int) -> None:
        test = _named(matches) if isinstance(matches, str) else matches
        self._orders.append(_Cut(moment, test, times))

    def moment_for(self, command: Command) -> Moment | None:
        """Return when to cut this command, None for not at all, and remove the order from the list."""
        for order in self._orders:
            if order.matches(command):
                order.times -= 1
                self._troubled(order.times > 0)
                if not order.times:
                    self._orders.remove(order)
                return order.moment
        return None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.close()
            return
        try:
            upstream = await asyncio.open_connection(*self.target)
        except OSError:
            writer.close()
            return
        passage = _Passage(self, reader, writer, *upstream)
        task = asyncio.current_task()
        assert task
        self._passages[task] = passage
        try:
            await passage.carry()
        finally:
            del self._passages[task]


class _Passage:
    """One client's connection, and its connection to the server."""

    def __init__(
        self,
        proxy: CuttingProxy,
        client_reader: asyncio.StreamReader,
        client_writer: asyncio.StreamWriter,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
    ) -> None:
        self.proxy = proxy
        self.client_reader, self.client_writer = client_reader, client_writer
        self.server_reader, self.server_writer = server_reader, server_writer
        self.swallowed = False
        self._directions: list[asyncio.Task[None]] = []
        self._awaited: deque[Moment | None] = (
            deque()
        )  # one per reply to come; "before" stands for a reply never to come

    async def carry(self) -> None:
        """Pass on bytes until either side, or a cut, closes the connection."""
        self._directions = [asyncio.create_task(self._carry_commands()), asyncio.create_task(self._carry_replies())]
        try:
            await asyncio.wait(self._directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.close()
        for outcome in await asyncio.gather(*self._directions, return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError):
                raise outcome

    def close(self) -> None:
        """Send what is written and close, without waiting for a side that reads nothing more."""
        self.client_writer.close()
        self.server_writer.close()
        for direction in self._directions:
            direction.cancel()

    def _cut(self, moment: Moment) -> None:
        self.proxy.cuts[moment] += 1
        self.close()

    async def _carry_commands(self) -> None:
        frames = _Frames()
        while data := await self.client_reader.read(CHUNK_BYTES):
            onward = b""
            for raw, command in frames.split(data):
                self.proxy.round_trips += not self._awaited
                self.proxy.commands.append(command)
                if command[0].upper() not in SUBSCRIBING:
                    moment = self.proxy.moment_for(command)
                    self._awaited.append(moment)
                    if moment == "before":
                        await self._lose_the_rest(onward)
                        return
                onward += raw
            self.server_writer.write(onward)
            await self.server_writer.drain()

    async def _lose_the_rest(self, onward: bytes) -> None:
        """Send the commands before a lost one, and stay until their replies were passed on."""
        self.server_writer.write(onward)
        if self._awaited[0] == "before":
            self._cut("before")
        else:
            await self.client_reader.read()

    async def _carry_replies(self) -> None:
        frames = _Frames()
        while data := await self.server_reader.read(CHUNK_BYTES):
            back = b""
            for raw, reply in frames.split(data):
                moment = self._awaited.popleft() if self._awaited and not _unasked(reply) else None
                if self.proxy.hanging:
                    self.swallowed = True
                    continue
                if moment:
                    self.client_writer.write(back + (raw[: len(raw) // 2] if moment == "halfway" else b""))
                    self._cut(moment)
                    return
                back += raw
            self.client_writer.write(back)
            if self._awaited and self._awaited[0] == "before":
                self._cut("before")
                return
            await self.client_writer.drain()


class _Frames:
    """Splits a stream of RESP into whole commands or replies, each with its bytes."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader(notEnoughData=INCOMPLETE)
        self._raw = b""

    def split(self, data: bytes) -> Iterator[tuple[bytes, Any]]:
        # Fed line by line, since every frame ends with a line and the reader does not tell how many bytes it used.
        for line in io.BytesIO(data):
            self._raw += line
            self._reader.feed(line)
            while (frame := self._reader.gets()) is not INCOMPLETE:
                raw, self._raw = self._raw, b""
                yield raw, frame


def _named(name: str) -> Callable[[Command], bool]:
    return lambda command: command[0].upper() == name.upper().encode()


def _unasked(reply: Any) -> bool:
    if isinstance(reply, hiredis.PushNotification):
        return True
    with contextlib.suppress(TypeError, IndexError):
        return isinstance(reply, list) and reply[0] in UNASKED
    return False
