"""Redis as one thing to talk to, whatever its shape: a server, a primary that Sentinels know, a Cluster.

``execute(key, …)`` sends a command to the server that holds the key, again where a connection dropped, a failover is under
way or a slot moved, until the timeout is over; then it is ``TemporarilyUnavailable`` (P7). Commands may therefore be
executed twice: every script recognises its own earlier effect (P3), everything else is idempotent.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

from redis.crc import key_slot

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
from service.redis.link import Link, Listener, Word, connect
from service.settings.redis_url import Endpoint, Topology

log = logging.getLogger(__name__)

Command = Sequence[Word]
Receive = Callable[[bytes, bytes], None]
"""Takes a channel and a message."""
Step = tuple[str, Command]
"""A key and the command to send to the server that holds it."""

FLAGS_SINCE = (7, 0)
"""The Redis from which scripts begin with ``#!lua``."""
_PAUSE = 0.02
"""Seconds before the first retry; each further pause is up to twice as long, at most ``_LONGEST_PAUSE``."""
_LONGEST_PAUSE = 0.2
_LONGEST_CURSOR = 40


class Node:
    """A server, with a link that is made when needed and made again when lost.

    ``locate``: tells where the server is now; for Sentinel that changes with every failover.
    """

    def __init__(
        self,
        address: Address,
        locate: Callable[[], Awaitable[Endpoint]],
        make: Callable[[Endpoint, float], Link],
        watch: RedisWatch | None = None,
    ) -> None:
        self._address = address
        self._locate = locate
        self._make = make
        self._watch = watch
        self._connecting: asyncio.Task[Link] | None = None
        self.link: Link | None = None
        self.down_since: float | None = None

    async def connected(self) -> Link:
        """The link; many may wait for the same connection attempt. Raises LinkLostError."""
        if self.link is not None and self.link.lost is None:
            return self.link
        if self._connecting is None:
            self._connecting = asyncio.ensure_future(self._connect())
            self._connecting.add_done_callback(self._attempt_over)
        attempt = self._connecting
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if attempt.cancelled() and (task is None or not task.cancelling()):  # ``close`` ended it, not our caller us
                raise LinkLostError("the connection was closed while it was made") from None
            raise

    async def _connect(self) -> Link:
        link = await connect(self._address, await self._locate(), make=self._make)
        if self._address.topology is Topology.SENTINEL and link.role != "master":
            link.close()
            raise LinkLostError(f"{link.endpoint} is not the primary any more")
        self.link, self.down_since = link, None
        return link

    def _attempt_over(self, attempt: asyncio.Task[Link]) -> None:
        self._connecting = None
        if attempt.cancelled() or attempt.exception() is None:
            return
        if self._watch is not None:
            self._watch.metrics.redis_error("connect")
        if self.down_since is None:
            self.down_since = time.monotonic()

    def close(self, reason: str = "closed") -> None:
        """Drop the link; the next command makes a new one."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self.link is not None:
            self.link.close(reason)
            self.link = None


class Connection:
    """A server alone, or the primary that Sentinels know. ``scripts``: sha → text, for servers that lost theirs.

    ``confirming``: its twin, for what must have reached replicas before it counts as done (``redis_wait_replicas``); None
    where that was not asked for. ``acts``: the shas of scripts that are sent over it. ``refused``: how many commands were, for
    reasons that last.
    """

    def __init__(self, address: Address, watch: RedisWatch | None = None, *, confirms: bool = False) -> None:
        self.address = address
        self._watch = watch
        self.scripts: dict[str, str] = {}
        self.acts: frozenset[str] = frozenset()
        self.confirming: Connection | None = None
        self._confirms = confirms
        self._make = _confirming_link(address, watch) if confirms else partial(Link, watch=watch)
        locate = self._ask_sentinels if address.topology is Topology.SENTINEL else self._given
        self._node = Node(address, locate, self._make, watch)
        self._listening: asyncio.Task[None] | None = None
        self._refusals = Outage(log, "redis_refuses", level=logging.ERROR)
        self.refused = 0

    # commands

    async def execute(self, key: str, *command: Word) -> Any:
        """The reply to a command about ``key``. Raises TemporarilyUnavailable, StoreError."""
        if self.confirming is not None and command[1] in self.acts:
            return await self.confirming.execute(key, *command)
        started = time.monotonic()
        link = self._link_for(key)
        if link is None or self._confirms:
            return await self._again(key, command, started, None)
        try:
            return await link.send(command)
        except (LinkLostError, ReplyError) as failure:
            return await self._again(key, command, started, failure)

    async def execute_confirmed(self, key: str, *command: Word) -> Any:
        """Like ``execute``, for a command that is no script: where replicas are waited for, once they have it."""
        return await (self.confirming or self).execute(key, *command)

    async def confirm(self, key: str) -> None:
        """Where replicas are waited for: wait until they have all that was done about ``key``, by whomever."""
        if self.confirming is not None:
            await self.confirming.execute(key, "EXISTS", key)

    async def execute_all(self, steps: Iterable[Step], *, needed: int | None = None) -> list[Any]:
        """The replies to several commands that leave together; one round trip, in order per server.

        Raises what ``execute`` does, after every command has had its reply: nothing is left under way. Of the steps after
        the first ``needed`` ones (None: all are needed) a failure stands in the place of the reply.
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
                    _swallow(future)
            raise
        for reply in replies[:needed]:
            if isinstance(reply, Exception):
                raise reply
        return replies

    async def _collect(self, sent: list[tuple[Step, asyncio.Future[Any] | None]], started: float) -> list[Any]:
        replies: list[Any] = []
        for (key, command), future in sent:
            failure = None
            try:
                if future is not None:
                    replies.append(await future)
                    continue
            except (
                TemporarilyUnavailable,
                StoreError,
            ) as error:  # of the confirming twin, which has tried again itself
                replies.append(error)
                continue
            except (LinkLostError, ReplyError) as error:
                failure = error
            try:
                replies.append(await self._again(key, command, started, failure))
            except (TemporarilyUnavailable, StoreError) as error:
                replies.append(error)
        return replies

    def _sent_or_confirmed(self, step: Step) -> asyncio.Future[Any] | None:
        key, command = step
        if self.confirming is not None and command[1] in self.acts:
            return asyncio.ensure_future(self.confirming.execute(key, *command))
        link = self._link_for(key)
        return link.send(command) if link else None

    def execute_soon(self, key: str, command: Command, *, lingers: bool = False) -> None:
        """Send a command without waiting: tidying up, which may be lost. ``lingers``: with whatever leaves next."""
        if (link := self._link_for(key)) is not None:
            link.send(command, lingers=lingers).add_done_callback(_swallow)

    async def _again(self, key: str, command: Command, started: float, failure: Exception | None) -> Any:
        """The careful path: connects, follows redirections, loads scripts, retries until the timeout is over."""
        deadline = started + self.address.timeout
        pause = _PAUSE
        self._note(failure)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                while True:
                    if failure is not None:
                        self._judge(failure)
                    try:
                        return await self._attempt(key, command, failure)
                    except (LinkLostError, ReplyError) as error:
                        failure = error
                        self._note(failure)
                    if self._is_long_down(key):
                        break
                    self._judge(failure)
                    delay = random.uniform(pause / 2, pause)  # noqa: S311
                    if time.monotonic() + delay >= deadline:
                        break
                    await asyncio.sleep(delay)
                    pause = min(pause * 2, _LONGEST_PAUSE)
        except TimeoutError as error:
            failure = failure or error
        if self._watch is not None:
            self._watch.metrics.redis_error("gave_up")
        raise TemporarilyUnavailable(log=f"Redis: {failure or 'no answer in time'}") from failure

    def _note(self, failure: Exception | None) -> None:
        """Count an error of Redis; lost links are counted where they are lost, once and not for each command."""
        kind = metric_of(failure) if isinstance(failure, ReplyError) else ""
        if kind and self._watch is not None:
            self._watch.metrics.redis_error(kind)

    async def _attempt(self, key: str, command: Command, failure: Exception | None) -> Any:
        """One more try, in the light of how the last one failed."""
        word = kind_of(failure) if isinstance(failure, ReplyError) else ""
        if word == "READONLY":  # what was the primary is a replica now
            self._node.close("it is no longer the primary")
        link = await self._node.connected()
        return await self._send(link, key, command)

    async def _send(self, link: Link, key: str, command: Command, prefix: Command | None = None) -> Any:
        """Send, with the script's text where the server does not have it. ``prefix``: a command that leaves just before."""
        try:
            return await _sent(link, key, command, prefix)
        except ReplyError as error:
            text = self.scripts.get(str(command[1])) if command[0] == "EVALSHA" else None
            if kind_of(error) != "NOSCRIPT" or text is None:
                raise
        if link.version < FLAGS_SINCE:
            text = text.partition("\n")[2] if text.startswith("#!lua") else text
        return await _sent(link, key, ("EVAL", text, *command[2:]), prefix)

    def _judge(self, failure: Exception) -> None:
        """Raise where another try can't help."""
        if isinstance(failure, LinkLostError):
            return
        word = kind_of(failure)
        if word in REFUSED:
            self.refused += 1
            self._refusals.failed(refusal_of(failure))
            raise TemporarilyUnavailable(log=refusal_of(failure)) from failure
        if word not in TEMPORARY and word != "NOSCRIPT":
            raise StoreError(str(failure)) from failure

    def _is_long_down(self, key: str) -> bool:
        """Whether the server has been away for longer than the timeout: then waiting for it only piles requests up."""
        since = self._node.down_since
        return since is not None and time.monotonic() - since > self.address.timeout

    # the shape

    def _link_for(self, key: str) -> Link | None:
        link = self._node.link
        return link if link is not None and link.lost is None else None

    def holds(self, link: Link, key: str) -> bool:
        """Whether what is about ``key`` goes over this link."""
        return self._link_for(key) is link

    async def links(self) -> list[Link]:
        """A link to every primary. Raises TemporarilyUnavailable."""
        try:
            return [await self._node.connected()]
        except LinkLostError as error:
            raise TemporarilyUnavailable(log=f"Redis: {error}") from error

    async def scan(self, pattern: str, cursor: str, count: int) -> tuple[list[str], str]:
        """Some keys of this pattern and the cursor of the next call, empty at the end; looks at some ``count`` keys.

        Walks over the primaries one after the other; a cursor is ``<which primary>:<its cursor>``, "" to begin.
        """
        links = await self.links()
        index, _, position = (cursor or "0:0").partition(":")
        if (
            not (cursor or "0").isascii()
            or not index.isdigit()
            or not position.isdigit()
            or len(cursor) > _LONGEST_CURSOR
        ):
            raise ValueError(f"{cursor!r} is not a cursor")
        if int(index) >= len(links) or int(position) >= 2**64:
            raise ValueError(f"{cursor!r} is not a cursor")
        try:
            after, found = await links[int(index)].send(["SCAN", position, "MATCH", pattern, "COUNT", count])
        except (LinkLostError, ReplyError) as error:
            raise TemporarilyUnavailable(log=f"Redis: {error}") from error
        names = [key.decode() for key in found]
        if after != b"0":
            return names, f"{index}:{after.decode()}"
        return names, f"{int(index) + 1}:0" if int(index) + 1 < len(links) else ""

    async def _given(self) -> Endpoint:
        return self.address.servers[0]

    async def _ask_sentinels(self) -> Endpoint:
        """The primary that the first reachable Sentinel names. Raises LinkLostError."""
        reasons: list[Exception] = []
        for sentinel in self.address.servers:
            try:
                link = await connect(_without_database(self.address), sentinel, self.address.sentinel_login)
                try:
                    found = await link.send(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.address.service])
                finally:
                    link.close()
            except (LinkLostError, ReplyError) as error:
                reasons.append(error)
                continue
            if found:
                return Endpoint(found[0].decode(), int(found[1]))
            reasons.append(LinkLostError(f"{sentinel}: does not know the service {self.address.service!r}"))
        raise LinkLostError(f"no Sentinel names a primary ({'; '.join(map(str, reasons))})") from reasons[0]

    # news from other processes

    def listen(self, channels: tuple[str, ...], receive: Receive, hearing: Callable[[bool], None]) -> None:
        """Call ``receive`` with every message of these channels, ``hearing`` whenever listening begins (True) or ends."""
        self._listening = asyncio.ensure_future(self._listen(channels, receive, hearing))

    async def _listen(self, channels: tuple[str, ...], receive: Receive, hearing: Callable[[bool], None]) -> None:
        outage = Outage(log, "redis_listener_lost", "redis_listener_back")
        while True:
            listener: Link | None = None
            try:
                endpoint = (await self._any_node().connected()).endpoint
                listener = await connect(
                    self.address, endpoint, make=lambda place, timeout: Listener(place, timeout, receive)
                )
                for channel in channels:
                    await listener.send(["SUBSCRIBE", channel])
                hearing(True)
                outage.succeeded()
                while True:
                    await asyncio.sleep(1.0)
                    await listener.send(["PING"])
                    await self._notice_failover(endpoint)
            except (LinkLostError, ReplyError) as error:
                outage.failed(error)
                if isinstance(error, LinkLostError):
                    self._doubt_primary()
            finally:
                if listener is not None:
                    listener.close()
                hearing(False)
            await asyncio.sleep(random.uniform(0.1, 0.3))  # noqa: S311

    async def _notice_failover(self, listening_to: Endpoint) -> None:
        """Raise LinkLostError where the Sentinels name another primary than the one we use.

        One that was cut off from them takes our commands until they reach it again, some ten seconds: a code could be
        redeemed there and at its successor. Sentinels that do not answer say nothing.
        """
        if self.address.topology is not Topology.SENTINEL:
            return
        try:
            async with asyncio.timeout(self.address.connect_timeout):
                named = await self._ask_sentinels()
        except (LinkLostError, TimeoutError):
            return
        if named != listening_to:
            raise LinkLostError(f"{listening_to} is no longer the primary: the Sentinels name {named}")

    def _doubt_primary(self) -> None:
        """Ask the Sentinels again before the next command: nobody may have used the link, and seen it hang."""
        if self.address.topology is Topology.SENTINEL:
            self._node.close("whether it is still the primary is in doubt")

    def _any_node(self) -> Node:
        return self._node

    async def close(self) -> None:
        """Close every connection."""
        if self.confirming is not None:
            await self.confirming.close()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        self._node.close()


class Cluster(Connection):
    """A Redis Cluster: one link for each primary, slots followed where they move (MOVED, ASK)."""

    def __init__(self, address: Address, watch: RedisWatch | None = None, *, confirms: bool = False) -> None:
        super().__init__(address, watch, confirms=confirms)
        self._nodes: dict[Endpoint, Node] = {}
        self._slots: list[Endpoint | None] = [None] * 16384
        self._learning: asyncio.Task[None] | None = None

    def _link_for(self, key: str) -> Link | None:
        endpoint = self._slots[key_slot(key.encode())]
        node = self._nodes.get(endpoint) if endpoint else None
        return node.link if node is not None and node.link is not None and node.link.lost is None else None

    async def _attempt(self, key: str, command: Command, failure: Exception | None) -> Any:
        word = kind_of(failure) if isinstance(failure, ReplyError) else ""
        if word == "ASK":  # this slot is moving: only this once, ask the other side
            return await self._send(await self._node_at(_redirection(failure)).connected(), key, command, ["ASKING"])
        endpoint = self._slots[key_slot(key.encode())]
        if failure is not None or endpoint is None:
            await self._learn(_redirection(failure) if word == "MOVED" else None)
            endpoint = self._slots[key_slot(key.encode())]
        if endpoint is None:
            raise LinkLostError("no server of the Cluster holds the slot")
        return await self._send(await self._node_at(endpoint).connected(), key, command)

    def _is_long_down(self, key: str) -> bool:
        """Only when every server is away: one that is gone will be replaced by its replica."""
        since = [node.down_since for node in self._nodes.values()]
        now = time.monotonic()
        return bool(since) and all(moment is not None and now - moment > self.address.timeout for moment in since)

    async def _learn(self, first: Endpoint | None = None) -> None:
        """Ask the servers who holds which slot; many may wait for the same answer. Raises LinkLostError."""
        if self._learning is None:
            self._learning = asyncio.ensure_future(self._ask_for_slots(first))
            self._learning.add_done_callback(self._learned)
        await asyncio.shield(self._learning)

    def _learned(self, task: asyncio.Task[None]) -> None:
        self._learning = None
        _swallow(task)  # those who waited have its failure

    async def _ask_for_slots(self, first: Endpoint | None) -> None:
        reasons: list[Exception] = []
        up = [endpoint for endpoint, node in self._nodes.items() if node.link is not None and node.link.lost is None]
        for endpoint in dict.fromkeys([*([first] if first else []), *up, *self.address.servers, *self._nodes]):
            try:
                link = await self._node_at(endpoint).connected()
                self._take_slots(endpoint, await link.send(["CLUSTER", "SLOTS"]))
                return
            except (LinkLostError, ReplyError) as error:
                reasons.append(error)
        raise LinkLostError(f"no server of the Cluster answers ({'; '.join(map(str, reasons))})") from reasons[0]

    def _take_slots(self, asked: Endpoint, ranges: list[Any]) -> None:
        """CLUSTER SLOTS: [first, last, [host, port, id], replicas…]…; an empty host is the one that was asked."""
        slots: list[Endpoint | None] = [None] * 16384
        for first, last, (host, port, *_), *_replicas in ranges:
            endpoint = Endpoint(host.decode() if host else asked.host, int(port))
            slots[first : last + 1] = [endpoint] * (last - first + 1)
        if not ranges:
            raise LinkLostError(f"{asked}: the Cluster has no slots yet")
        self._slots = slots
        primaries = {endpoint for endpoint in slots if endpoint is not None}
        for endpoint in [known for known in self._nodes if known not in primaries]:
            self._nodes.pop(endpoint).close("it is no longer a primary")

    def _node_at(self, endpoint: Endpoint) -> Node:
        node = self._nodes.get(endpoint)
        if node is None:

            async def locate() -> Endpoint:
                return endpoint

            node = self._nodes[endpoint] = Node(self.address, locate, self._make, self._watch)
        return node

    async def links(self) -> list[Link]:
        try:
            if not any(self._slots):
                await self._learn()
            primaries = sorted({endpoint for endpoint in self._slots if endpoint is not None}, key=str)
            return [await self._node_at(endpoint).connected() for endpoint in primaries]
        except LinkLostError as error:
            raise TemporarilyUnavailable(log=f"Redis: {error}") from error

    def _any_node(self) -> Node:
        """Messages reach every server of a Cluster: listen on one that is up."""
        for node in self._nodes.values():
            if node.link is not None and node.link.lost is None:
                return node
        return self._node_at(random.choice(self.address.servers))  # noqa: S311

    async def close(self) -> None:
        await super().close()
        for node in self._nodes.values():
            node.close()


def open_connection(address: Address, watch: RedisWatch | None = None) -> Connection:
    """The connection for this shape of Redis; it connects when first used."""
    kind = Cluster if address.topology is Topology.CLUSTER else Connection
    connection = kind(address, watch)
    if address.wait_replicas:
        connection.confirming = kind(address, watch, confirms=True)
    return connection


def _confirming_link(address: Address, watch: RedisWatch | None) -> Callable[[Endpoint, float], Link]:
    """Replicas have a quarter of the timeout to confirm, so that another try is possible within it."""
    patience = max(1, round(address.timeout * 250))
    return partial(ConfirmingLink, watch=watch, replicas=address.wait_replicas, patience=patience)


def _sent(link: Link, key: str, command: Command, prefix: Command | None) -> asyncio.Future[Any]:
    if isinstance(link, ConfirmingLink):
        link.touch(key)
    if prefix is not None:
        link.send(prefix).add_done_callback(_swallow)
    return link.act(command) if isinstance(link, ConfirmingLink) else link.send(command)


def _swallow(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


def _redirection(error: Exception | None) -> Endpoint:
    """``MOVED 3999 127.0.0.1:6381`` → the endpoint."""
    host, _, port = str(error).split(" ")[2].rpartition(":")
    return Endpoint(host.strip("[]"), int(port))


def _without_database(address: Address) -> Address:
    return Address(**{name: getattr(address, name) for name in address.__slots__ if name != "database"})
