"""The wiring on one page: Settings → Issuer → aiohttp application; start, drain, stop."""

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from service.directory import RedisDirectory
from service.fronts import oauth
from service.fronts.health import Health
from service.hashing import Hashing
from service.issuer import Issuer
from service.observe.metrics import Metrics
from service.randomness import RandomBlocks
from service.settings import Settings
from service.store.store import Store, open_store
from service.workers import until_orphaned

log = logging.getLogger(__name__)


def make_issuer(settings: Settings, store: Store, clock: Callable[[], float] = time.time) -> Issuer:
    """The issuer on this store."""
    hashing = Hashing(settings)
    return Issuer(
        url=settings.issuer,
        settings=settings,
        store=store,
        directory=RedisDirectory(store, hashing, settings),
        hashing=hashing,
        metrics=Metrics(),
        clock=clock,
        randomness=RandomBlocks(),
    )


@asynccontextmanager
async def open_issuer(settings: Settings, *, listen: bool = True) -> AsyncIterator[Issuer]:
    """An issuer on a checked store, closed afterwards. Raises what ``open_store`` does."""
    store = await open_store(settings, listen=listen)
    issuer = make_issuer(settings, store)
    try:
        yield issuer
    finally:
        issuer.hashing.close()
        await store.close()


def make_application(issuer: Issuer, health: Health | None = None) -> web.Application:
    """The aiohttp application of an issuer."""
    application = web.Application(client_max_size=issuer.settings.max_body)
    application.add_routes(oauth.routes(issuer))
    application.add_routes((health or Health(issuer)).routes())
    application.router.add_route("*", "/{path:.*}", oauth.not_found)
    return application


@asynccontextmanager
async def serving(issuer: Issuer, *, share_port: bool = False) -> AsyncIterator[str]:
    """Serve on the settings' address until the block ends, then drain; the URL it can be reached by.

    ``share_port``: other processes listen there too, and the kernel spreads connections.
    """
    settings = issuer.settings
    health = Health(issuer)
    runner = web.AppRunner(
        make_application(issuer, health),
        access_log=None,
        handle_signals=False,
        shutdown_timeout=settings.drain_seconds,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port, backlog=1024, reuse_port=share_port).start()
        host, port = runner.addresses[0][:2]
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        health.accepting = False
        await asyncio.sleep(settings.drain_delay)
    finally:
        await runner.cleanup()


async def serve(settings: Settings, ready: Callable[[str], None], worker: int | None = None) -> None:
    """Serve until SIGTERM or SIGINT; ``ready`` is told the URL. Raises what ``open_store`` does, OSError for the port.

    ``worker``: this process is one of several (see ``workers``), and ends when the one that watches it does.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    watching = asyncio.ensure_future(until_orphaned(stop)) if worker is not None else None
    async with open_issuer(settings) as issuer:
        async with serving(issuer, share_port=worker is not None) as url:
            gc.collect()
            gc.freeze()  # what lives until the end need not be looked at again
            ready(url)
            log.info(
                "serving", extra={"url": url, "issuer": settings.issuer, "worker": worker or 0, "pid": os.getpid()}
            )
            await stop.wait()
            log.info("draining", extra={"seconds": settings.drain_seconds, "worker": worker or 0})
        log.info("stopped", extra={"worker": worker or 0})
    if watching is not None:
        watching.cancel()
