"""Redis Cluster: which node has a slot, and how MOVED and ASK are followed."""

import asyncio
import random
import time
from typing import Any

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from service.observe.redis_watch import RedisWatch
from service.protocol.errors import TemporarilyUnavailable
from service.redis.address import Address
from service.redis.connection import Command, Connection
from service.redis.errors import LinkLostError, ReplyError, kind_of, reading
from service.redis.link import Link, ignore_reply
from service.redis.node import Node
from service.settings.redis_url import ServerAddress


class Cluster(Connection):
    """A Redis Cluster: one link for each primary, slots followed where they move (MOVED, ASK)."""

    def __init__(self, address: Address, watch: RedisWatch | None = None, *, confirms: bool = False) -> None:
        super().__init__(address, watch, confirms=confirms)
        self._nodes: dict[ServerAddress, Node] = {}
        self._slots: list[ServerAddress | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        self._learning: asyncio.Task[None] | None = None

    def _link_for(self, key: str) -> Link | None:
        endpoint = self._slots[key_slot(key.encode())]
        node = self._nodes.get(endpoint) if endpoint else None
        return node.link if node is not None and node.link is not None and node.link.lost is None else None

    async def _attempt(self, key: str, command: Command, failure: Exception | None) -> object:
        word = kind_of(failure) if isinstance(failure, ReplyError) else ""
        endpoint = self._slots[key_slot(key.encode())]
        other = _redirection(failure, endpoint or self.address.servers[0]) if word in ("ASK", "MOVED") else None
        if other is not None and word == "ASK":  # the slot is being moved: only this command goes to the other node
            return await self._send(await self._node_at(other).connected(), key, command, ["ASKING"])
        if failure is not None or endpoint is None:
            await self._learn(other)
            endpoint = self._slots[key_slot(key.encode())]
        if endpoint is None:
            raise LinkLostError("no server of the Cluster holds the slot")
        return await self._send(await self._node_at(endpoint).connected(), key, command)

    def _is_long_down(self) -> bool:
        """Whether every server is away, as a single one that is gone will be replaced by its replica."""
        since = [node.down_since for node in self._nodes.values()]
        now = time.monotonic()
        return bool(since) and all(moment is not None and now - moment > self.address.timeout for moment in since)

    async def _learn(self, first: ServerAddress | None = None) -> None:
        """Ask the servers which of them holds which slot; concurrent callers share the answer. Raises LinkLostError."""
        if self._learning is None:
            self._learning = asyncio.ensure_future(self._ask_for_slots(first))
            self._learning.add_done_callback(self._learned)
        await asyncio.shield(self._learning)

    def _learned(self, task: asyncio.Task[None]) -> None:
        self._learning = None
        ignore_reply(task)  # the callers that waited have got its failure

    async def _ask_for_slots(self, first: ServerAddress | None) -> None:
        reasons: list[Exception] = []
        up = [endpoint for endpoint, node in self._nodes.items() if node.link is not None and node.link.lost is None]
        for endpoint in dict.fromkeys([*([first] if first else []), *up, *self.address.servers, *self._nodes]):
            try:
                link = await self._node_at(endpoint).connected()
                ranges = await link.send(["CLUSTER", "SLOTS"])
                with reading(f"{endpoint}: CLUSTER SLOTS"):
                    self._take_slots(endpoint, ranges)
                return
            except (LinkLostError, ReplyError) as error:
                reasons.append(error)
        raise LinkLostError(f"no server of the Cluster answers ({'; '.join(map(str, reasons))})") from reasons[0]

    def _take_slots(self, source: ServerAddress, ranges: list[Any]) -> None:
        """Read CLUSTER SLOTS: ``[first, last, [host, port, id, facts], replicas…]…``; an empty host is that of ``source``."""
        slots: list[ServerAddress | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, (host, port, _, *facts), *_replicas in ranges:
            known = _ip_of(facts) if host == b"?" else host
            endpoint = ServerAddress(known.decode() if known else source.host, int(port))
            slots[first : last + 1] = [endpoint] * (last - first + 1)
        if not ranges:
            raise LinkLostError(f"{source}: the Cluster has no slots yet")
        self._slots = slots
        primaries = {endpoint for endpoint in slots if endpoint is not None}
        for endpoint in [known for known in self._nodes if known not in primaries]:
            self._nodes.pop(endpoint).close("it is no longer a primary")

    def _node_at(self, endpoint: ServerAddress) -> Node:
        node = self._nodes.get(endpoint)
        if node is None:

            async def locate() -> ServerAddress:
                return endpoint

            node = self._nodes[endpoint] = Node(self.address, locate, self._make, self._watch)
        return node

    async def links(self) -> list[Link]:
        """Return a link to every primary. Raises TemporarilyUnavailable.

        Which they are is asked each time: a command may never have led to one that took over or is new.
        """
        try:
            await self._learn()
            primaries = sorted({endpoint for endpoint in self._slots if endpoint is not None}, key=str)
            return [await self._node_at(endpoint).connected() for endpoint in primaries]
        except LinkLostError as error:
            raise TemporarilyUnavailable(log=f"Redis: {error}") from error

    async def listening_endpoint(self) -> ServerAddress:
        """Return a server that is up, as messages reach every server of a Cluster. Raises LinkLostError."""
        for node in self._nodes.values():
            if node.link is not None and node.link.lost is None:
                return node.link.endpoint
        return (await self._node_at(random.choice(self.address.servers)).connected()).endpoint  # noqa: S311

    async def check_primary(self, listening_to: ServerAddress) -> None:
        """Check that we listen to a primary, as a server that has left the Cluster hears nothing. Raises LinkLostError."""
        if listening_to not in self._nodes:
            raise LinkLostError(f"{listening_to} is no longer a primary of the Cluster")

    async def close(self) -> None:
        """Close every connection."""
        await super().close()
        for node in self._nodes.values():
            node.close()


def _redirection(error: Exception | None, source: ServerAddress) -> ServerAddress:
    """Return the endpoint that an error such as ``MOVED 3999 127.0.0.1:6381`` names.

    Without a host (cluster-preferred-endpoint-type ``unknown-endpoint``, or ``hostname`` where there is none) it is at that of
    ``source``.
    """
    host, _, port = str(error).split(" ")[2].rpartition(":")
    return ServerAddress(source.host if host in ("", "?") else host.strip("[]"), int(port))


def _ip_of(facts: list[list[bytes]]) -> bytes | None:
    """Return the IP address among what CLUSTER SLOTS adds about a server: ``[[name, value, …]]``, nothing before Redis 7."""
    flat = facts[0] if facts else []
    return dict(zip(flat[::2], flat[1::2], strict=True)).get(b"ip")
