"""What a server does that starts while Redis is away: it waits, alive and not ready, and says so."""

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
"""Seconds between two attempts: callers should not wait much longer for us than we for Redis."""
_FIRST_SILENCE, _LONGEST_SILENCE = 4.0, 300.0
"""Seconds until it is said again; each time twice as many."""


async def wait_for_redis(
    settings: Settings, error: TemporarilyUnavailable, stop: asyncio.Event, *, share_port: bool
) -> None:
    """Answer probes until Redis can be reached, or ``stop`` is set.

    Args:
        settings: Of the server that wants to start.
        error: What came of the first attempt.
        stop: Set where the server is to end.
        share_port: Other processes listen there too.

    Raises:
        TemporarilyUnavailable: Redis answers now, and what it says no waiting mends.
        StoreUnfitError: Redis answers now, and cannot be used.
        OSError: Another program has the port.
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
    """Listen where the server will, but at ports that the system is still to choose."""
    places = [place for place in (operators_place(settings), *public_places(settings)) if place and place.port]
    if places:
        await listen_at(open_, web.ServerRunner(web.Server(_answer)), share_port, *places)


async def _answer(request: web.BaseRequest) -> web.StreamResponse:
    if request.path == LIVE_PATH:
        return status("ok")
    if request.path in HEALTH_PATHS:
        return status("waiting for redis", 503)
    return rendered(TemporarilyUnavailable())  # clients read it as any refusal of ours
