"""Revocations, published on the channels of Mintmark's Redis. Needs the extra ``redis``."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from redis.asyncio import Connection, Sentinel
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

ENDED = "mm:ended"
"""The channel on which the key of a grant, or of a token of it, is published when it has ended."""
CHANGES = "mm:changes"
"""The channel on which the client_ids of changed clients are published."""
_PING_EVERY = 1.0
"""Seconds of silence after which the connection is tested, and the most seconds for the answer."""
_CONNECT = 2.0
"""The most seconds to connect."""


class Revocations:
    """One connection that listens, and is made again when it is lost.

    Args:
        url: As Mintmark's ``redis_url``: ``redis://``, ``rediss://``, ``unix://``, ``redis+sentinel://host,host/service`` or
            ``redis+cluster://host,host``, or the last two with ``rediss+``.

    Raises:
        ValueError: It is no such URL.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._places = _places(urlsplit(url))
        self._task: asyncio.Task[None] | None = None

    def listen(
        self, ended: Callable[[str], None], changed: Callable[[bytes], None], hearing: Callable[[bool], None]
    ) -> None:
        """Begin to listen on the running loop; further calls do nothing.

        Args:
            ended: Called with the id of a grant.
            changed: Called with the message about clients.
            hearing: Called when listening begins (True) or ends (False); messages in between are lost.
        """
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._listen(ended, changed, hearing))

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _listen(
        self, ended: Callable[[str], None], changed: Callable[[bytes], None], hearing: Callable[[bool], None]
    ) -> None:
        is_known_to_fail = False
        while True:
            for place in self._places:
                try:
                    async for channel, message in _messages(place, hearing):
                        is_known_to_fail = False
                        if channel == ENDED.encode():
                            ended(message.decode("ascii", "replace").partition("{")[2].partition("}")[0])
                        elif channel:
                            changed(message)
                except (RedisError, OSError, TimeoutError) as error:
                    if not is_known_to_fail:
                        log.warning("guard: Redis is not heard, so nothing is remembered: %s", error)
                    is_known_to_fail = True
                finally:
                    hearing(False)
            await asyncio.sleep(random.uniform(0.1, 0.3))  # noqa: S311


async def _messages(place: "_Place", hearing: Callable[[bool], None]) -> AsyncGenerator[tuple[bytes, bytes], None]:
    """Yield channels and messages, and (b"", b"") where a silent connection answered its test. Ends only by an error."""
    async with asyncio.timeout(_CONNECT):
        address = await place.address()
    connection = place.connection(address)
    try:
        async with asyncio.timeout(_CONNECT):
            await connection.connect()
            for channel in (ENDED, CHANGES):
                await connection.send_command("SUBSCRIBE", channel)
                await connection.read_response(disable_decoding=True)
        hearing(True)
        checked_at = time.monotonic()
        while True:
            found = await connection.read_response(disable_decoding=True, timeout=_PING_EVERY)
            if found is None:
                await connection.send_command("PING", check_health=False)
                found = await connection.read_response(disable_decoding=True, timeout=_PING_EVERY)
                if found is None:
                    raise TimeoutError("no answer in time")
            yield (found[1], found[2]) if found[0] == b"message" else (b"", b"")
            if time.monotonic() - checked_at >= _PING_EVERY:
                async with asyncio.timeout(_CONNECT):
                    if await place.address() != address:
                        raise ConnectionError("another server is the primary now")
                checked_at = time.monotonic()
    finally:
        await connection.disconnect(nowait=True)


class _Place:
    """The address of one server, or of the primary that Sentinels know."""

    def __init__(self, url: str, sentinels: Sequence[tuple[str, int]] = (), service: str = "") -> None:
        try:
            self._members: dict[str, Any] = dict(parse_url(url))
        except ValueError:  # its text quotes what may be a password
            raise ValueError(
                "redis_url: a port is no number; write / ? # @ : % in user and password as %2F %3F %23 %40 %3A %25"
            ) from None
        self._make: Callable[..., Connection] = self._members.pop("connection_class", Connection)
        self._service = service
        options: dict[str, Any] = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
        options |= {"ssl": True} if url.startswith("rediss") else {}
        self._sentinels = Sentinel(sentinels, sentinel_kwargs=options) if sentinels else None

    async def address(self) -> Mapping[str, str | int]:
        """Return the current host and port of the primary, {} for a fixed server. Raises RedisError."""
        if self._sentinels is None:
            return {}
        host, port = await self._sentinels.discover_master(self._service)
        return {"host": host, "port": port}

    def connection(self, address: Mapping[str, str | int]) -> Connection:
        """Return a connection that is not open yet. It raises when it is lost, and sends nothing again."""
        return self._make(
            **{**self._members, **address}, retry=Retry(NoBackoff(), 0), protocol=2, socket_connect_timeout=_CONNECT
        )


def _places(url: SplitResult) -> list[_Place]:
    """Return the servers of a URL, to be tried one after the other. Raises ValueError, which quotes no password."""
    scheme, _, topology = url.scheme.partition("+")
    if topology not in ("", "sentinel", "cluster") or scheme not in ("redis", "rediss", "unix"):
        raise ValueError("redis_url: use redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://")
    if not topology:
        return [_Place(url.geturl())]
    login, _, hosts = url.netloc.rpartition("@")
    before = f"{login}@" if login else ""
    if topology == "cluster":  # each server forwards messages that are published at another
        return [_Place(f"{scheme}://{before}{host}") for host in hosts.split(",")]
    service, _, database = url.path.strip("/").partition("/")
    if not service:
        raise ValueError("redis_url: name the service: redis+sentinel://host:26379,host:26379/service")
    places = [urlsplit(f"//{host}") for host in hosts.split(",")]
    sentinels = [(place.hostname or "", place.port or 26379) for place in places]
    return [_Place(f"{scheme}://{before}primary/{database}", sentinels, unquote(service))]
