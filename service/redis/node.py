"""One server, whose link is made again whenever it is lost."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from service.observe.redis_watch import RedisWatch
from service.redis.address import Address
from service.redis.errors import LinkLostError
from service.redis.handshake import connect
from service.redis.link import Link
from service.settings.redis_url import ServerAddress, Topology


class Node:
    """A server, with a link that is made when needed and made again when lost.

    Args:
        address: How to log in, and how long to wait.
        locate: Returns the current address of the server; with Sentinels it changes with every failover.
        make: Makes a link to an endpoint, with a timeout in seconds.
        watch: Counts attempts that failed.
    """

    def __init__(
        self,
        address: Address,
        locate: Callable[[], Awaitable[ServerAddress]],
        make: Callable[[ServerAddress, float], Link],
        watch: RedisWatch | None = None,
    ) -> None:
        self._address = address
        self._locate = locate
        self._make = make
        self._watch = watch
        self._connecting: asyncio.Task[Link] | None = None
        self.link: Link | None = None
        self.down_since: float | None = None
        """Monotonic seconds of the first attempt that failed since the server was last up."""

    async def connected(self) -> Link:
        """Return the link, made if needed; concurrent callers share the attempt. Raises LinkLostError."""
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
            if attempt.cancelled() and (task is None or not task.cancelling()):  # ``close`` ended it, not our caller
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
