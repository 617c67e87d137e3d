"""Connecting to a server: the socket or TLS, then HELLO, which logs in and identifies the server."""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Callable

from service.redis.address import Address, RedisLogin
from service.redis.errors import LinkLostError, ReplyError, reading
from service.redis.link import Link, Word
from service.settings.redis_url import ServerAddress


async def connect(
    address: Address,
    endpoint: ServerAddress,
    login: RedisLogin | None = None,
    make: Callable[[ServerAddress, float], Link] = Link,
) -> Link:
    """Connect to a server, log in and choose the database.

    Raises:
        LinkLostError: The server cannot be reached, or refuses the login.
    """
    link: Link | None = None
    try:
        async with asyncio.timeout(address.connect_timeout):
            link = await _open(address, endpoint, make)
            await _shake_hands(link, address, login or address.login)
            return link
    except (OSError, TimeoutError, ReplyError, LinkLostError) as error:
        if link is not None:
            link.close()
        raise LinkLostError(f"{endpoint}: {_reason(error)}") from error
    except BaseException:
        if link is not None:
            link.close()
        raise


def _reason(error: Exception) -> str:
    """Return why a server cannot be connected to, without the numbers and calls in texts of Python."""
    if isinstance(error, TimeoutError):
        return "no answer within the connect timeout"
    if isinstance(error, OSError) and error.errno and not isinstance(error, ssl.SSLError):
        is_of_name = isinstance(error, socket.gaierror)  # whose numbers are of another list
        return (str(error.strerror) if is_of_name else os.strerror(error.errno)).lower()
    return re.sub(r"\[Errno -?\d+\] ", "", str(error))


async def _open(address: Address, endpoint: ServerAddress, make: Callable[[ServerAddress, float], Link]) -> Link:
    loop = asyncio.get_running_loop()
    tls = address.tls() if address.tls else None
    if endpoint.path:
        _, link = await loop.create_unix_connection(lambda: make(endpoint, address.timeout), endpoint.path, ssl=tls)
    else:
        _, link = await loop.create_connection(
            lambda: make(endpoint, address.timeout), endpoint.host, endpoint.port, ssl=tls
        )
    return link


async def _shake_hands(link: Link, address: Address, login: RedisLogin) -> None:
    """Send HELLO: it logs in, names the connection, and brings version and role in one reply (RESP2: a flat list)."""
    hello: list[Word] = ["HELLO", 2]
    if login.password is not None:
        hello += ["AUTH", login.username or "default", login.password]
    hello += ["SETNAME", "mintmark"]
    waiting = [link.send(hello)]
    if address.database:
        waiting.append(link.send(["SELECT", address.database]))
    try:
        replies = [await future for future in waiting]
    finally:
        for future in waiting:
            future.cancel()
    with reading("HELLO"):
        facts = dict(zip(replies[0][::2], replies[0][1::2], strict=True))
        major, minor = facts[b"version"].decode().split(".")[:2]
        link.server, link.mode = (facts.get(name, b"").decode() for name in (b"server", b"mode"))
        link.version, link.role = (int(major), int(minor)), facts.get(b"role", b"sentinel").decode()
