"""The operator's health: checks of its dependencies, and /livez, /readyz and /metrics at a port of its own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from service.admin.errors import AdminError
from service.fronts.health import HEALTH_PATHS, status
from service.observe.events import Event
from service.observe.outages import Outage
from service.operator.api_server import ApiServerError, ConflictError
from service.operator.metrics import Dependency, OperatorMetrics
from service.settings import SettingsError

log = logging.getLogger(__name__)

CHECK_EVERY, CHECK_AGAIN_AFTER = 10.0, 2.0
"""Seconds between two checks while all dependencies are available, and while one is not."""
Check = Callable[[], Awaitable[str]]
"""Check a dependency, and return what is wrong with it, "" for nothing. Raises what the request raises."""


class UnavailableError(Exception):
    """The service cannot be reached now."""


class OperatorHealth:
    """The missing dependencies of the operator, which is ready if there are none."""

    def __init__(self, metrics: OperatorMetrics, checks: Mapping[Dependency, Check]) -> None:
        """Begin as not ready.

        Args:
            metrics: Show the missing dependencies.
            checks: The checks of API server and service; the watcher reports missing rights by ``set``.
        """
        self._metrics, self._checks = metrics, checks
        self._missing = dict.fromkeys(Dependency, "was not asked yet")
        self._outages = {
            Dependency.API_SERVER: Outage(log, Event.API_SERVER_UNAVAILABLE, Event.API_SERVER_AVAILABLE),
            Dependency.SERVICE: Outage(log, Event.SERVICE_UNAVAILABLE, Event.SERVICE_AVAILABLE),
        }

    def set(self, dependency: Dependency, reason: str) -> None:
        """Note what is wrong with a dependency, "" for nothing."""
        if reason:
            self._missing[dependency] = reason
        else:
            self._missing.pop(dependency, None)
        self._metrics.missing = set(self._missing)
        if (outage := self._outages.get(dependency)) is not None:
            if reason:
                outage.failed(reason)
            else:
                outage.succeeded()

    async def keep_checking(self) -> None:
        """Check the dependencies until cancelled."""
        while True:
            for dependency, check in self._checks.items():
                self.set(dependency, await _checked(check))
            await asyncio.sleep(CHECK_AGAIN_AFTER if self._missing else CHECK_EVERY)

    async def _live(self, _: web.Request) -> web.StreamResponse:
        """Answer that the event loop runs. Missing dependencies do not count here, as a restart would not bring them back."""
        return status("ok")

    async def _ready(self, _: web.Request) -> web.StreamResponse:
        for dependency, reason in self._missing.items():
            return status(f"{dependency} unavailable", 503, reason=reason)
        return status("ok")

    async def _expose(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=self._metrics.exposition(), content_type="text/plain", charset="utf-8")

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[None]:
        """Serve the probes and metrics until the block ends.

        Args:
            host: The address to listen on.
            port: The port; 0: do not listen.

        Raises:
            SettingsError: The port cannot be used.
        """
        if not port:
            yield
            return
        application = web.Application()
        handlers = zip(HEALTH_PATHS, (self._live, self._ready, self._expose), strict=True)
        application.add_routes([web.get(path, handler) for path, handler in handlers])
        runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                raise SettingsError(f"--health-port {port}: {error.strerror or error}") from error
            yield
        finally:
            await runner.cleanup()


async def _checked(check: Check) -> str:
    try:
        return await check()
    except (UnavailableError, ApiServerError, ConflictError, AdminError) as error:
        return str(error)
    except asyncio.CancelledError:
        if asyncio.current_task().cancelling():  # type: ignore[union-attr]
            raise
        return "was broken off"  # by kopf, which cancels all tasks that it finds at its end
    except Exception as error:
        log.exception(Event.BACKGROUND_TASK_FAILED, extra={"task": "health", "restart_in": CHECK_AGAIN_AFTER})
        return repr(error)
