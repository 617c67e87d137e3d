"""Several server processes on one port: started, watched, started again when they die, and stopped together.

Each worker is a process of its own from the start (no fork), with its own event loop, its own link to Redis and its own
listening socket (SO_REUSEPORT: the kernel spreads connections). It ends when its standard input does, so that workers
never outlive the process that watches them. Their metrics are summed through prometheus_client's shared files. What runs
beside requests within one process is `concurrency/background_tasks.py`.
"""

import asyncio
import json
import logging
import math
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from service.fronts.listening import bound
from service.observe.events import Event
from service.observe.metrics import WORKERS_VARIABLE, forget_worker
from service.protocol.addresses import listening_hosts
from service.settings import PREFIX, Settings

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_SETTLED = 10.0
"""Seconds after which a worker counts as well: when it dies later, the next one starts without a pause."""
_GRACE = 5.0
"""Seconds beyond what it may drain that a worker gets before it is killed."""


def cores() -> int:
    """The processors that this process may use: its affinity, and its share where a container limits it."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(count, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup v2, or "max": no limit
        return count


class Workers:
    """``count`` processes of ``command``, to which ``--host``, ``--port``, ``--worker`` and ``--json`` are added."""

    def __init__(self, count: int, command: list[str], settings: Settings) -> None:
        self._count = count
        self._command = command
        self._host, self._port = settings.host, settings.port
        self._admin = None if settings.admin_port is None else (settings.admin_host, settings.admin_port)
        asks = settings.mtls_port == settings.port
        self._mtls = None if settings.mtls_port is None or asks else (settings.host, settings.mtls_port)
        self._asks_at_port = asks
        self._ports: dict[str, str] = {}
        self._patience = settings.drain_delay + settings.drain_seconds + _GRACE
        self._stopping = asyncio.Event()
        self._exit_code = 0
        self._running: set[asyncio.subprocess.Process] = set()

    async def run(self, ready: Callable[[str], None]) -> int:
        """Run until SIGTERM or SIGINT; ``ready`` gets the URL once every worker serves. Returns the exit code.

        A worker that ends by itself before it ever served (Redis unreachable, bad settings) ends everything with its code.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)
        with (
            _reserved(self._host, self._port) as port,
            _reserved(*self._admin) if self._admin else nullcontext() as admin_port,
            _reserved(*self._mtls) if self._mtls else nullcontext() as mtls_port,
            tempfile.TemporaryDirectory(prefix="mintmark-metrics-") as metrics,
        ):
            ports = {"ADMIN_PORT": admin_port, "MTLS_PORT": port if self._asks_at_port else mtls_port}
            self._ports = {PREFIX + name: str(number) for name, number in ports.items() if number is not None}
            serving: list[asyncio.Future[str]] = [
                asyncio.get_running_loop().create_future() for _ in range(self._count)
            ]
            keepers = [
                asyncio.ensure_future(self._keep(number, port, metrics, first)) for number, first in enumerate(serving)
            ]
            announcing = asyncio.ensure_future(_announce(serving, ready))
            await self._stopping.wait()
            announcing.cancel()
            await self._stop()
            await asyncio.gather(*keepers)
        return self._exit_code

    async def _keep(self, number: int, port: int, metrics: str, serving: asyncio.Future[str]) -> None:
        """Keep one worker alive."""
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            started = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                *self._command,
                "--host",
                self._host,
                "--port",
                str(port),
                "--worker",
                str(number),
                "--json",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, WORKERS_VARIABLE: metrics, **self._ports},
            )
            self._running.add(process)
            code = await _watch(process, serving)
            self._running.discard(process)
            forget_worker(process.pid, metrics)
            if self._stopping.is_set():
                return
            if not serving.done():
                self._exit_code = code or 1
                self._stopping.set()
                return
            log.error(Event.WORKER_DIED, extra={"worker": number, "pid": process.pid, "exit_code": code})
            pause = _FIRST_PAUSE if time.monotonic() - started > _SETTLED else min(pause * 2, _LONGEST_PAUSE)
            await asyncio.wait([asyncio.ensure_future(self._stopping.wait())], timeout=pause)

    async def _stop(self) -> None:
        """Tell every worker to drain; kill what has not ended in time."""
        running = list(self._running)
        for process in running:
            _signal(process, signal.SIGTERM)
        ends = [asyncio.ensure_future(process.wait()) for process in running]
        if not ends:
            return
        _, late = await asyncio.wait(ends, timeout=self._patience)
        for process, end in zip(running, ends, strict=True):
            if end in late:
                log.error(Event.WORKER_KILLED, extra={"pid": process.pid, "after_seconds": self._patience})
                _signal(process, signal.SIGKILL)


async def until_orphaned(stop: asyncio.Event) -> None:
    """In a worker: set ``stop`` when standard input ends, because the process that watches this one is gone."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    stop.set()


async def _watch(process: asyncio.subprocess.Process, serving: asyncio.Future[str]) -> int:
    """Read the line in which a worker says that it serves; return its exit code."""
    assert process.stdout is not None  # noqa: S101
    line = await process.stdout.readline()
    if line and not serving.done():
        serving.set_result(json.loads(line)["url"])
    await process.stdout.read()
    return await process.wait()


async def _announce(serving: list[asyncio.Future[str]], ready: Callable[[str], None]) -> None:
    urls = await asyncio.gather(*serving)
    ready(urls[0])


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except ProcessLookupError:  # it ended a moment ago
        log.debug(Event.WORKER_ALREADY_ENDED, extra={"pid": process.pid})


@contextmanager
def _reserved(host: str, port: int) -> Iterator[int]:
    """The port, held without listening, so that "any free one" is the same for every worker. Raises OSError if taken."""
    with bound(listening_hosts(host), port, share=True) as sockets:
        yield int(sockets[0].getsockname()[1])
