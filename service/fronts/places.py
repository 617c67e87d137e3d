"""The addresses at which a server listens, each with its TLS."""

import ssl
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import NamedTuple

from aiohttp import web

from service.fronts.listening import bound
from service.fronts.tls import operators_tls_of, tls_of
from service.protocol.addresses import in_url, listening_hosts
from service.settings import Settings


class ListeningPlace(NamedTuple):
    """The addresses and the port of a listener, with its TLS."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


def public_places(settings: Settings) -> Iterator[ListeningPlace]:
    """Yield the public listener and, where it is another one, the listener that asks clients for certificates."""
    asks = settings.mtls_port == settings.port
    yield ListeningPlace(settings.host, settings.port, tls_of(settings, asks_clients=asks))
    if settings.mtls_port is not None and not asks:
        yield ListeningPlace(settings.host, settings.mtls_port, tls_of(settings, asks_clients=True))


async def listen_at(
    open_: AsyncExitStack, runner: web.BaseRunner, share_port: bool, *places: ListeningPlace
) -> list[str]:
    """Listen until the stack is closed, and return the URLs. Raises OSError."""
    listening = [
        (place, open_.enter_context(bound(listening_hosts(place.host), place.port, share=share_port)))
        for place in places
    ]
    await runner.setup()
    open_.push_async_callback(runner.cleanup)
    urls = []
    for place, sockets in listening:
        for one in sockets:
            await web.SockSite(runner, one, backlog=1024, ssl_context=place.tls).start()
        host, port = sockets[0].getsockname()[:2]
        urls.append(f"{'http' if place.tls is None else 'https'}://{in_url(host)}:{port}")
    return urls


def operators_place(settings: Settings) -> ListeningPlace | None:
    """Return the listener for operators and probes, None where there is none."""
    if settings.admin_port is None:
        return None
    return ListeningPlace(settings.admin_host, settings.admin_port, operators_tls_of(settings))
