"""Handlers of tests behind our own HTTP connections, on a port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage

from service.fronts.connections import Connections
from service.fronts.methods import Handler
from service.issuer import Issuer


def connections(issuer: Issuer, handler: Handler) -> Connections:
    """Return a server with the settings of this issuer, whose refusals have no content."""
    return Connections(issuer, handler, _request, lambda error: web.Response(status=error.status))


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    return web.BaseRequest(message, payload, protocol, writer, task, asyncio.get_running_loop())


@asynccontextmanager
async def listening(server: web.Server, patience: float = 5.0) -> AsyncIterator[tuple[int, web.ServerRunner]]:
    """Run a server, and yield its port and its runner. ``patience``: seconds for requests under way at the end."""
    runner = web.ServerRunner(server, shutdown_timeout=patience)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1], runner
    finally:
        await runner.cleanup()
