"""One interface to Redis in every shape: a single server, a primary behind Sentinels, a Cluster.

``execute(key, …)`` sends a command to the server that holds the key, and repeats it where a connection dropped, a failover is
under way or a slot moved, until the timeout is over; then it raises ``TemporarilyUnavailable`` (P7). Commands may therefore be
executed twice: a script recognises its own earlier effect, an end asks ``sent_again`` (P3), the rest is idempotent.
"""

import asyncio
import logging
import random
import re
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from service.observe.events import Event
from service.observe.outages import Outage
from service.observe.redis_watch import RedisWatch
from service.protocol.errors import TemporarilyUnavailable
from service.redis.address import Address
from service.redis.confirming_link import ConfirmingLink
from service.redis.errors import (
    REFUSED,
    TEMPORARY,
    LinkLostError,
    ReplyError,
    StoreError,
    kind_of,
    metric_of,
    refusal_of,
)
from service.redis.link import Link, RedisReply, Word, ignore_reply
from service.redis.node import Node
from service.redis.sent_again import SentAgain
from service.settings.redis_url import ServerAddress

log = logging.getLogger(__name__)

Command = Sequence[Word]
KeyedCommand = tuple[str, Command]
"""A key and the command to send to the server that holds it."""

REDIS_7 = (7, 0)
"""The version from which on scripts begin with ``#!lua``, and EXPIRETIME is there."""
_PAUSE = 0.02
"""Seconds before the first retry; each further pause is up to twice as long, at most ``_LONGEST_PAUSE``."""
_LONGEST_PAUSE = 0.2


class Begun(msgspec.Struct, frozen=True):
    """A command that is under way."""

    key: str
    command: Command
    started: float  # monotonic seconds
    future: asyncio.Future[Any]


class Connection:
    """A connection to a single server; other shapes of Redis derive from it.

    With ``confirms`` commands count as done only once replicas have them.
    """

    def __init__(self, address: Address, watch: RedisWatch | None = None, *, confirms: bool = False) -> None:
        self.address = address
        self._watch = watch
        self.scripts: dict[str, str] = {}  # texts by their SHA-1, for servers that lost theirs
        self.confirmed_scripts: frozenset[str] = frozenset()
        """SHA-1 of the scripts that are sent over ``confirming``."""
        self.confirming: Connection | None = None
        """The connection for commands that count only once replicas have them; None without ``redis_wait_replicas``."""
        self.crosses_slots = self.has_expiretime = False
        """Whether one script may touch keys of different slots (there is no Cluster); whether all servers have EXPIRETIME."""
        self._confirms = confirms
        self._make = _confirming_link(address, watch) if confirms else partial(Link, watch=watch)
        self._node = Node(address, self._locate, self._make, watch)
        self.listening: asyncio.Task[None] | None = None
        """Receives messages of other processes (``listener``); ends with the connection."""
        self._refusals = Outage(log, Event.REDIS_COMMAND_REFUSED)
        self.refused = 0  # commands, for a lasting reason
        self.sent_again = SentAgain(2 * address.timeout)

    # commands

    async def execute(self, key: str, *command: Word) -> RedisReply:
        """Send a command about ``key``, and return its reply.

        Raises:
            TemporarilyUnavailable: Redis is away, or refuses it for a lasting reason.
            StoreError: It answered with another error.
        """
        if self.confirming is not None and not self.confirmed_scripts.isdisjoint(command[1:2]):
            return await self.confirming.execute(key, *command)
        started = time.monotonic()
        link = self._link_for(key)
        if link is None or self._confirms:
            return await self._retry(key, command, started, None)
        try:
            return await link.send(command)
        except (LinkLostError, ReplyError) as failure:
            return await self._retry(key, command, started, failure)

    def begin(self, key: str, command: Command) -> Begun:
        """Send a command in this turn of the loop; ``conclude`` waits for the reply, where it is wanted."""
        link = self._link_for(key)
        if link is None or self._confirms or (self.confirming and not self.confirmed_scripts.isdisjoint(command[1:2])):
            future: asyncio.Future[Any] = asyncio.ensure_future(self.execute(key, *command))
        else:
            future = link.send(command)
        future.add_done_callback(ignore_reply)
        return Begun(key, command, time.monotonic(), future)

    async def conclude(self, begun: Begun) -> RedisReply:
        """Return the reply to a command that was sent before. Raises what ``execute`` does."""
        try:
            return await begun.future
        except (LinkLostError, ReplyError) as failure:
            return await self._retry(begun.key, begun.command, begun.started, failure)

    async def execute_confirmed(self, key: str, *command: Word) -> RedisReply:
        """Execute a command that is no script; with ``redis_wait_replicas`` return only once the replicas have it."""
        return await (self.confirming or self).execute(key, *command)

    async def confirm(self, key: str) -> None:
        """With ``redis_wait_replicas`` wait until the replicas have all changes of ``key``, whichever connection made them."""
        if self.confirming is not None:
            await self.confirming.execute(key, "EXISTS", key)

    async def execute_all(self, steps: Iterable[KeyedCommand], *, needed: int | None = None) -> list[Any]:
        """Send several commands together, in order per server, and return their replies: one round trip.

        Raises what ``execute`` does, after every command has had its reply: nothing is left under way.

        Args:
            steps: The commands, each with the key that it is about.
            needed: How many of the first ones must succeed; for later ones an error replaces the reply. None means all.
        """
        started = time.monotonic()
        if self.confirming is None:
            sent = [(step, link.send(step[1]) if (link := self._link_for(step[0])) else None) for step in steps]
        else:
            sent = [(step, self._sent_or_confirmed(step)) for step in steps]
        try:
            replies = await self._collect(sent, started)
        except asyncio.CancelledError:
            for _, future in sent:
                if future is not None and not future.cancel():
                    ignore_reply(future)
            raise
        for reply in replies[:needed]:
            if isinstance(reply, Exception):
                raise reply
        return replies

    async def _collect(self, sent: list[tuple[KeyedCommand, asyncio.Future[Any] | None]], started: float) -> list[Any]:
        replies: list[Any] = []
        for (key, command), future in sent:
            failure = None
            try:
                if future is not None:
                    replies.append(await future)
                    continue
            except (TemporarilyUnavailable, StoreError) as error:
                replies.append(error)  # of the confirming connection, which has retried itself
                continue
            except (LinkLostError, ReplyError) as error:
                failure = error
            try:
                replies.append(await self._retry(key, command, started, failure))
            except (TemporarilyUnavailable, StoreError) as error:
                replies.append(error)
        return replies

    def _sent_or_confirmed(self, step: KeyedCommand) -> asyncio.Future[Any] | None:
        key, command = step
        if self.confirming is not None and not self.confirmed_scripts.isdisjoint(command[1:2]):
            return asyncio.ensure_future(self.confirming.execute(key, *command))
        link = self._link_for(key)
        return link.send(command) if link else None

    def execute_soon(self, key: str, command: Command, *, lingers: bool = False) -> None:
        """Send a command that may be lost, such as tidying up, without waiting for its reply.

        With ``lingers`` it may wait for the next command and leave with it.
        """
        if (link := self._link_for(key)) is not None:
            link.send_unanswered(command, lingers=lingers)

    def delete_soon(self, key: str) -> None:
        """Delete a key likewise; the command lingers, and deletes several keys where these may be of different slots."""
        if self.crosses_slots and (link := self._link_for(key)) is not None:
            link.delete_unanswered(key)
        else:
            self.execute_soon(key, ("DEL", key), lingers=True)

    async def _retry(self, key: str, command: Command, started: float, failure: Exception | None) -> object:
        """Connect, follow redirections, load scripts, and retry until the timeout is over."""
        deadline = started + self.address.timeout
        pause = _PAUSE
        self._note(key, failure)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                while True:
                    if failure is not None:
                        self._raise_if_lasting(failure)
                    try:
                        return await self._attempt(key, command, failure)
                    except (LinkLostError, ReplyError) as error:
                        failure = error
                        self._note(key, failure)
                    if self._is_long_down():
                        break
                    self._raise_if_lasting(failure)
                    delay = random.uniform(pause / 2, pause)  # noqa: S311
                    if time.monotonic() + delay >= deadline:
                        break
                    await asyncio.sleep(delay)
                    pause = min(pause * 2, _LONGEST_PAUSE)
        except TimeoutError as error:
            failure = failure or error
        if self._watch is not None:
            self._watch.metrics.redis_error("timeout")
        raise TemporarilyUnavailable(log=f"Redis: {failure or 'no answer in time'}") from failure

    def _note(self, key: str, failure: Exception | None) -> None:
        """Count an error of Redis (lost links are counted where they are lost), and note what is sent again."""
        self.sent_again.note(key, failure)
        kind = metric_of(failure) if isinstance(failure, ReplyError) else ""
        if kind and self._watch is not None:
            self._watch.metrics.redis_error(kind)

    async def _attempt(self, key: str, command: Command, failure: Exception | None) -> object:
        """Try once more, considering how the last attempt failed."""
        word = kind_of(failure) if isinstance(failure, ReplyError) else ""
        if word == "READONLY":  # the former primary is a replica now
            self._node.close("it is no longer the primary")
        link = await self._node.connected()
        return await self._send(link, key, command)

    async def _send(self, link: Link, key: str, command: Command, prefix: Command | None = None) -> object:
        """Send a command (right after ``prefix``), with the script's text where the server does not have it."""
        try:
            return await _sent(link, key, command, prefix)
        except ReplyError as error:
            text = self.scripts.get(str(command[1])) if command[0] == "EVALSHA" else None
            if kind_of(error) != "NOSCRIPT" or text is None:
                raise
        if link.version < REDIS_7:
            text = text.partition("\n")[2] if text.startswith("#!lua") else text
        return await _sent(link, key, ("EVAL", text, *command[2:]), prefix)

    def _raise_if_lasting(self, failure: Exception) -> None:
        """Raise an error where another attempt cannot help."""
        if isinstance(failure, LinkLostError):
            return
        word = kind_of(failure)
        if word in REFUSED:
            self.refused += 1
            self._refusals.failed(refusal_of(failure))
            raise TemporarilyUnavailable(log=refusal_of(failure)) from failure
        if word not in TEMPORARY and word != "NOSCRIPT":
            raise StoreError(str(failure)) from failure

    def _is_long_down(self) -> bool:
        """Whether the server has been away for longer than the timeout: then waiting for it only piles requests up."""
        since = self._node.down_since
        return since is not None and time.monotonic() - since > self.address.timeout

    # the shape

    def _link_for(self, _key: str) -> Link | None:
        link = self._node.link
        return link if link is not None and link.lost is None else None

    def holds(self, link: Link, key: str) -> bool:
        """Whether commands about ``key`` go over this link."""
        return self._link_for(key) is link

    async def links(self) -> list[Link]:
        """Return a link to every primary. Raises TemporarilyUnavailable."""
        try:
            return [await self._node.connected()]
        except LinkLostError as error:
            raise TemporarilyUnavailable(log=f"Redis: {error}") from error

    async def scan(self, pattern: str, cursor: str, count: int) -> tuple[list[str], str]:
        """Scan about ``count`` keys of one primary after the other; return those of this pattern and the next cursor.

        A cursor is ``<which primary>:<its cursor>``, "" at the beginning and at the end.

        Raises:
            ValueError: The cursor is invalid.
            TemporarilyUnavailable: Redis is away.
        """
        links = await self.links()
        index, _, position = (cursor or "0:0").partition(":")
        is_cursor = re.fullmatch(r"[0-9]{1,9}:[0-9]{1,20}", cursor or "0:0")
        if not is_cursor or int(index) >= len(links) or int(position) >= 2**64:
            raise ValueError(f"{cursor!r} is not a cursor")
        try:
            after, found = await links[int(index)].send(["SCAN", position, "MATCH", pattern, "COUNT", count])
        except (LinkLostError, ReplyError) as error:
            raise TemporarilyUnavailable(log=f"Redis: {error}") from error
        names = [key.decode() for key in found]
        if after != b"0":
            return names, f"{index}:{after.decode()}"
        return names, f"{int(index) + 1}:0" if int(index) + 1 < len(links) else ""

    async def _locate(self) -> ServerAddress:
        """Return the current address of the server. Raises LinkLostError."""
        return self.address.servers[0]

    # messages of other processes

    async def listening_endpoint(self) -> ServerAddress:
        """Return a server that is up and receives the messages of all servers. Raises LinkLostError."""
        return (await self._node.connected()).endpoint

    async def check_primary(self, listening_to: ServerAddress) -> None:
        """Check that ``listening_to`` is still the server to listen to. Raises LinkLostError where it is not."""

    def doubt_primary(self) -> None:
        """Look for the primary again before the next command."""

    async def close(self) -> None:
        """Close every connection."""
        if self.confirming is not None:
            await self.confirming.close()
        if self.listening is not None:
            self.listening.cancel()
            await asyncio.gather(self.listening, return_exceptions=True)
        self._node.close()


def _confirming_link(address: Address, watch: RedisWatch | None) -> Callable[[ServerAddress, float], Link]:
    """Return the maker of confirming links. Replicas have a quarter of the timeout to confirm, which leaves time to retry."""
    patience = max(1, round(address.timeout * 250))
    return partial(ConfirmingLink, watch=watch, replicas=address.wait_replicas, patience=patience)


def _sent(link: Link, key: str, command: Command, prefix: Command | None) -> asyncio.Future[Any]:
    if isinstance(link, ConfirmingLink):
        link.touch(key)
    if prefix is not None:
        link.send(prefix).add_done_callback(ignore_reply)
    return link.act(command) if isinstance(link, ConfirmingLink) else link.send(command)
