"""Waiting for Redis at start: the server is alive but not ready, and logs that it waits."""

import asyncio
import logging
from contextlib import AsyncExitStack, suppress

from aiohttp import web

from service.fronts.health import HEALTH_PATHS, LIVE_PATH, status
from service.fronts.oauth import rendered
from service.fronts.places import listen_at, operators_place, public_places
from service.observe.events import Event
from service.protocol.errors import TemporarilyUnavailable
from service.redis.unreachable import explain
from service.settings import Settings
from service.store.store import open_store

log = logging.getLogger(__name__)

_PAUSE = 0.5
"""Seconds between two attempts; short, so that the service is ready soon after Redis is."""
_FIRST_SILENCE, _LONGEST_SILENCE = 4.0, 300.0
"""Seconds until the next log line; each time twice as many, up to the second value."""


async def wait_for_redis(
    settings: Settings, error: TemporarilyUnavailable, stop: asyncio.Event, *, share_port: bool
) -> None:
    """Answer probes until Redis can be reached, or ``stop`` is set.

    Args:
        settings: The settings of the server.
        error: The error of the first attempt.
        stop: Set when the server is to end.
        share_port: Whether other processes listen at the same port.

    Raises:
        TemporarilyUnavailable: Redis answers with an error that waiting does not solve.
        StoreUnfitError: Redis answers and cannot be used.
        OSError: Another program listens at the port.
    """
    loop = asyncio.get_running_loop()
    silence, said = _FIRST_SILENCE, loop.time()
    _say(error)
    async with AsyncExitStack() as open_:
        await _answer_probes(open_, settings, share_port)
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _PAUSE)
            try:
                await (await open_store(settings, listen=False)).close()
            except TemporarilyUnavailable as again:
                if not explain(again).passes:
                    raise
                if loop.time() - said >= silence:
                    silence, said = min(silence * 2, _LONGEST_SILENCE), loop.time()
                    _say(again)
            else:
                return


def _say(error: TemporarilyUnavailable) -> None:
    what, to_do, _ = explain(error)
    log.warning(Event.REDIS_AWAITED, extra={"reason": f"{what}: {error.log or error.description}", "hint": to_do})


async def _answer_probes(open_: AsyncExitStack, settings: Settings, share_port: bool) -> None:
    """Listen at the addresses of the server, except where the system is to choose the port."""
    places = [place for place in (operators_place(settings), *public_places(settings)) if place and place.port]
    if places:
        await listen_at(open_, web.ServerRunner(web.Server(_answer)), share_port, *places)


async def _answer(request: web.BaseRequest) -> web.StreamResponse:
    if request.path == LIVE_PATH:
        return status("ok")
    if request.path in HEALTH_PATHS:
        return status("waiting for redis", 503)
    return rendered(TemporarilyUnavailable())  # the same form as any other refusal
