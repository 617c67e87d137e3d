"""Background tasks: they run for as long as the process serves, watched so that none ends in silence."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any

from service.observe.events import Event
from service.observe.metrics import Metrics

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a task that failed is started again: 1, 2, 4 … 60."""
SETTLED_AFTER = 10.0
"""Seconds that a task has to run before it counts as recovered."""

Work = Callable[[], Coroutine[Any, Any, None]]


class BackgroundTasks:
    """Starts background tasks, and restarts them when they fail: logged, counted, reported by readiness (P7)."""

    def __init__(self, metrics: Metrics, *, settled_after: float = SETTLED_AFTER) -> None:
        self._metrics = metrics
        self._settled_after = settled_after
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._needed: set[str] = set()
        self._stopped: set[str] = set()
        metrics.watch_background_tasks(lambda: {name: name not in self._stopped for name in self._tasks})

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the names of stopped tasks without which this process must not get requests; empty where all is well."""
        return tuple(sorted(self._stopped & self._needed))

    def start(self, name: str, work: Work, *, needed: bool = False) -> None:
        """Run ``work`` until it returns or ``close`` is called, however often it fails.

        Args:
            name: Its name in logs and metrics.
            work: Makes the coroutine, once at the start and once after each failure.
            needed: Whether the process is not ready while the task has stopped.
        """
        if needed:
            self._needed.add(name)
        self._tasks[name] = asyncio.ensure_future(self._keep_running(name, work))

    async def close(self) -> None:
        """Cancel every task and wait until it has ended."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_running(self, name: str, work: Work) -> None:
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while True:
            settling = loop.call_later(self._settled_after, self._settled, name)
            began = loop.time()
            try:
                return await work()
            except asyncio.CancelledError:
                if asyncio.current_task().cancelling():  # type: ignore[union-attr]
                    raise  # by ``close``; anything else that was cancelled in it is a failure like others
                log.exception(Event.BACKGROUND_TASK_FAILED, extra={"task": name, "restart_in": round(pause, 1)})
            except Exception:
                log.exception(Event.BACKGROUND_TASK_FAILED, extra={"task": name, "restart_in": round(pause, 1)})
            finally:
                settling.cancel()
            self._stopped.add(name)
            self._metrics.background_task_failed(name)
            if loop.time() - began > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause * random.uniform(0.8, 1.0))  # noqa: S311
            pause = min(2 * pause, LONGEST_PAUSE)

    def _settled(self, name: str) -> None:
        if name in self._stopped:
            self._stopped.discard(name)
            log.info(Event.BACKGROUND_TASK_RECOVERED, extra={"task": name})
