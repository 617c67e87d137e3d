"""Listening to channels: over a link of its own, which is made again when it is lost."""

import asyncio
import logging
import random
from collections.abc import Callable

from service.observe.events import Event
from service.observe.outages import Outage
from service.redis.connection import Connection
from service.redis.errors import LinkLostError, ReplyError
from service.redis.handshake import connect
from service.redis.link import Link
from service.settings.redis_url import ServerAddress

log = logging.getLogger(__name__)

Receive = Callable[[bytes, bytes], None]
"""Takes a channel and a message."""
_PING_EVERY = 1.0
"""Seconds between pings: a hanging listener is noticed this soon after its timeout."""


class ListeningLink(Link):
    """A link that is subscribed to channels: messages go to ``receive`` with their channel, other replies to callers."""

    def __init__(self, endpoint: ServerAddress, timeout: float, receive: Receive) -> None:
        super().__init__(endpoint, timeout)
        self._receive = receive

    def reply_received(self, reply: object) -> None:
        """Pass a message on, or a reply to the caller that waits longest."""
        if reply.__class__ is list and reply and reply[0] == b"message":
            self._receive(reply[1], reply[2])
        else:
            super().reply_received(reply)


def start_listening(
    connection: Connection, channels: tuple[str, ...], receive: Receive, hearing: Callable[[bool], None]
) -> None:
    """Receive the messages of channels until the connection is closed.

    ``hearing`` is called whenever listening begins (True) or ends (False): messages in between are lost.
    """
    connection.listening = asyncio.ensure_future(_listen(connection, channels, receive, hearing))


async def _listen(
    connection: Connection, channels: tuple[str, ...], receive: Receive, hearing: Callable[[bool], None]
) -> None:
    outage = Outage(log, Event.REDIS_LISTENER_DISCONNECTED, Event.REDIS_LISTENER_RECONNECTED)
    while True:
        link: Link | None = None
        try:
            endpoint = await connection.listening_endpoint()
            link = await connect(
                connection.address, endpoint, make=lambda place, timeout: ListeningLink(place, timeout, receive)
            )
            for channel in channels:
                await link.send(["SUBSCRIBE", channel])
            hearing(True)
            outage.succeeded()
            while True:
                await asyncio.sleep(_PING_EVERY)
                await link.send(["PING"])
                await connection.check_primary(endpoint)
        except (LinkLostError, ReplyError) as error:
            outage.failed(error)
            if isinstance(error, LinkLostError):
                connection.doubt_primary()
        finally:
            if link is not None:
                link.close()
            hearing(False)
        await asyncio.sleep(random.uniform(0.1, 0.3))  # noqa: S311
