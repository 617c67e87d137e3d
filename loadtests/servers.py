"""The measured servers, each a process of its own that ends with the block that started it."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from loadtests import cpu, interpreter
from loadtests.supplies import ISSUER, MASTER_KEY
from service.dev.embedded_redis import find_redis_server, short_temporary_directory
from tests.free_ports import free_ports
from tests.redis_groups import SLOTS
from tests.redis_shapes import Node, Shape, standalone
from tests.server_process import free_port

ROOT = Path(__file__).parent.parent
START_SECONDS = 240.0  # under valgrind, or a Java server, on a busy machine
STOP_SECONDS = 5.0
PROXIED: dict[str, Any] = {"trusted_proxies": '["127.0.0.1/32"]', "forwarded_certificate": "rfc9440"}
"""Settings for a server behind a proxy that terminates TLS and forwards certificates of clients."""
CHEAP_ARGON2 = {"argon2_memory": 64, "argon2_iterations": 1, "argon2_queue": 1000}
"""Settings with a cheap hash, so that the cost is that of Mintmark itself for a password request."""


class ServerFailedError(RuntimeError):
    """A server did not start; the text ends with its output."""


class Server(NamedTuple):
    """A running server, with the process ids of its store (Redis or another one)."""

    name: str
    url: str
    pid: int
    store_pids: tuple[int, ...] = ()

    @property
    def pids(self) -> tuple[int, ...]:
        """Its own process id, then those of its store."""
        return self.pid, *self.store_pids


# Redis


@contextmanager
def redis_server(under: Sequence[str] = ()) -> Iterator[Shape]:
    """Run one Redis on a TCP port, in memory: as ``find_redis_server`` chooses it. ``under`` as in ``mintmark``."""
    with standalone(under=under) as shape:
        yield shape


@contextmanager
def redis_cluster() -> Iterator[Shape]:
    """Run a Cluster of three primaries, without replicas, which would take CPU from the measured servers."""
    server, home = find_redis_server(), short_temporary_directory()
    nodes = [_cluster_node(server, home / str(port), port) for port in free_ports(3)]
    with ThreePrimaries("redis+cluster://" + ",".join(f"{n.host}:{n.port}" for n in nodes), nodes, home) as shape:
        yield shape


class ThreePrimaries(Shape):
    """Three servers that share the slots."""

    def _join(self) -> None:
        for epoch, (node, slots) in enumerate(zip(self.nodes, SLOTS, strict=True), start=1):
            node.admin.execute_command("CLUSTER SET-CONFIG-EPOCH", epoch)
            node.admin.execute_command("CLUSTER ADDSLOTS", *slots)
        for one, other in combinations(self.nodes, 2):
            one.admin.execute_command("CLUSTER MEET", other.host, other.port)

    def _settle(self) -> None:
        self._wait(lambda: all(map(_knows_all_slots, self.nodes)), "the Cluster to be whole")


def redis_pids(shape: Shape) -> tuple[int, ...]:
    """Return the process ids of a shape."""
    return tuple(node.process.pid for node in shape.nodes if node.process is not None)


def _cluster_node(server: Path, home: Path, port: int) -> Node:
    options = ["--port", str(port), "--dir", str(home), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    return Node("primary", server, home, port, [*options, "--cluster-enabled", "yes"])


def _knows_all_slots(node: Node) -> bool:
    info = node.admin.cluster("info")
    return bool(info["cluster_state"] == "ok") and info["cluster_size"] == "3" and info["cluster_slots_ok"] == "16384"


# services


@asynccontextmanager
async def empty_handler(workers: int = 1, under: Sequence[str] = ()) -> AsyncIterator[Server]:
    """Run E, under a command such as valgrind if ``under`` names one."""
    port = free_port()
    command = [*under, interpreter.serving().program, "-m", "loadtests.empty_handler", str(port), str(workers)]
    async with process(command, {}, f"http://127.0.0.1:{port}", "/token") as pid:
        yield Server("empty handler", f"http://127.0.0.1:{port}", pid)


@asynccontextmanager
async def mintmark(redis: Shape, workers: int = 1, under: Sequence[str] = (), **settings: Any) -> AsyncIterator[Server]:
    """Run Mintmark as ``mintmark serve`` does, under a command such as valgrind if ``under`` names one."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    chosen = {"redis_url": redis.url, "port": port, "issuer": ISSUER, "log_level": "WARNING", "master_key": MASTER_KEY}
    chosen |= {"grants_per_user_and_client": 0}  # here one user has more of them than any person
    chosen |= {"dpop_proof_lifetime": 3600}  # proofs are made beforehand
    chosen |= CHEAP_ARGON2 | settings
    environment = {f"MINTMARK_{name.upper()}": str(value) for name, value in chosen.items()}
    several = ["--workers", str(workers)] if workers > 1 else []
    command = [*under, interpreter.serving().program, "-m", "service", "serve", *several]
    async with process(command, environment, url, "/readyz") as pid:
        yield Server("Mintmark", url, pid, redis_pids(redis))


@asynccontextmanager
async def process(command: list[str], environment: dict[str, str], url: str, path: str) -> AsyncIterator[int]:
    """Run a child process that answers ``path`` with a status below 500, until the block ends, and yield its process id.

    Raises:
        ServerFailedError: It ends, or does not answer.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
    with (short_temporary_directory() / "log").open("w+b") as log:
        child = await asyncio.create_subprocess_exec(
            *command, env=inherited | environment, cwd=ROOT, stdout=log, stderr=log
        )
        try:
            if not await _answers(child, url, path):
                raise ServerFailedError(f"{' '.join(command)} did not come up:\n{_said(log.name)}")
            yield child.pid
        finally:
            await _end(child)
            shutil.rmtree(Path(log.name).parent, ignore_errors=True)


async def _answers(child: asyncio.subprocess.Process, url: str, path: str) -> bool:
    """Send requests until the child answers or ends."""
    for _ in range(int(START_SECONDS / 0.01)):
        if child.returncode is not None:
            return False
        if 100 < await _status(url, path) < 500:
            return True
        await asyncio.sleep(0.01)
    return False


async def _status(url: str, path: str) -> int:
    """Return the status of a GET; 0 where there is no response."""
    host, _, port = url.partition("://")[2].partition(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            line = await reader.readline()
        finally:
            writer.close()
        return int(line.split()[1])
    except (OSError, IndexError):
        return 0


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    child.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await child.wait()
    except TimeoutError:
        for pid in cpu.descendants(child.pid):  # a script that would have ended them is not asked any more
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        child.kill()
        await child.wait()


def _said(log: str) -> str:
    return Path(log).read_text(errors="replace")[-2000:]
