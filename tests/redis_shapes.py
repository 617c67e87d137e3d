"""Real Redis servers in memory, in the topologies that operators use: one here, several in ``redis_groups``.

    with standalone() as shape:   # or shape = standalone() … shape.stop(): synchronous, for a session fixture
        connect(shape.url)
        shape.flush()             # between two tests
        shape.kill(shape.primaries()[0])
        shape.heal()              # after a test that hurt it

Every wait is bounded. A ShapeFailed says what did not happen, and ends with the last lines of each server's log. The servers
end with the test process, however that ends.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self, get_args
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.dev.embedded_redis import (
    dismiss_guard,
    find_redis_server,
    last_lines,
    short_temporary_directory,
    spawn_guarded,
)
from tests.free_ports import HOST, free_ports
from tests.redis_tls import Certificates, issue_certificates, tls_arguments, tls_connection, tls_server

SETTLE_SECONDS = 60.0


Role = Literal["primary", "replica", "sentinel"]


class ShapeFailed(RuntimeError):
    """A server or a shape did not reach a state in time."""


class Entry(NamedTuple):
    """One key's content: the Redis type, the value as redis-py gives it, the milliseconds to live (-1: for ever)."""

    type: str
    value: Any
    pttl: int


class Node:
    """One server process. ``role`` is the role that it was started in, and does not change by a failover."""

    host = HOST

    def __init__(self, role: Role, server: Path, home: Path, port: int, arguments: list[str]) -> None:
        self.role = role
        self.port = port
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None
        self.connection: dict[str, Any] = {"host": HOST, "port": port}
        self._server = server
        self.arguments = arguments
        home.mkdir(parents=True)

    def __repr__(self) -> str:
        return f"<{self.role} {self.host}:{self.port}>"

    @functools.cached_property
    def admin(self) -> redis.Redis:
        """Return a client with short timeouts, to manage this node."""
        limits: dict[str, Any] = {"socket_timeout": 2, "socket_connect_timeout": 2, "retry": Retry(NoBackoff(), 0)}
        return redis.Redis(**self.connection, **limits, protocol=2)

    @property
    def log(self) -> str:
        return last_lines(self.home / "log")

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        with (self.home / "log").open("ab") as log:
            self.process = spawn_guarded(self._server, self.arguments, log)

    def end(self) -> None:
        """End it by SIGKILL, like a power cut."""
        self.__dict__.pop("admin", None)
        if self.process is not None:
            dismiss_guard(self.process)
            self.process.kill()
            self.process.wait()

    def answers(self) -> bool:
        """Whether it answers. Raises ShapeFailed if it has ended by itself."""
        if not self.alive:
            raise ShapeFailed(f"{self} ended by itself:\n{self.log}")
        return bool(self.admin.ping())

    def is_primary(self) -> bool:
        """Whether it is a primary now; False also if it is dead or gives no answer."""
        with contextlib.suppress(redis.RedisError):
            return self.alive and self.admin.execute_command("ROLE")[0] == b"master"
        return False


class Shape:
    """The running servers of one shape; ``url`` is the ``redis_url`` of Mintmark."""

    def __init__(self, url: str, nodes: list[Node], home: Path, certificates: Certificates | None = None) -> None:
        self.url = url
        self.nodes = nodes
        self.home = home
        self.certificates = certificates
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        for node in self.nodes:
            node.end()
        shutil.rmtree(self.home, ignore_errors=True)

    # What a test looks at

    def primaries(self) -> list[Node]:
        """Return the current primaries."""
        return [node for node in self.nodes if node.is_primary()]

    def flush(self) -> None:
        """Delete every key on every primary."""
        for node in self.primaries():
            node.admin.flushall()

    def keys(self) -> list[bytes]:
        """Return every key of every primary, sorted."""
        return sorted(key for node in self.primaries() for key in _keys(node.admin))

    def dump(self) -> dict[bytes, Entry]:
        """Return every key with its content."""
        return dict(sorted(item for node in self.primaries() for item in _entries(node.admin)))

    # What a test does to it

    def kill(self, node: Node) -> None:
        """End a server by SIGKILL, like a power cut, so that its data in memory is lost."""
        node.end()

    def pause(self, node: Node) -> None:
        """Make a server hang, so that it accepts connections but does not answer."""
        os.kill(_process_id(node), signal.SIGSTOP)

    def resume(self, node: Node) -> None:
        os.kill(_process_id(node), signal.SIGCONT)

    def restart(self, node: Node) -> None:
        """Start a killed server again, empty; return once it answers."""
        node.end()
        node.start()
        self._wait(node.answers, f"{node} to answer")

    def heal(self) -> None:
        """Resume and restart paused and dead servers, and wait until the shape is complete, in any roles."""
        for node in self.nodes:
            if node.alive:
                self.resume(node)
            else:
                self.restart(node)
        self._settle()

    def _start(self) -> None:
        for role in get_args(Role):  # a sentinel that is there before its primary would declare it down
            together = [node for node in self.nodes if node.role == role]
            for node in together:
                node.start()
            for node in together:
                self._wait(node.answers, f"{node} to answer")
        self._join()
        self._settle()

    def _join(self) -> None:
        """Connect the servers to one shape."""

    def _settle(self) -> None:
        """Wait until the shape is complete."""

    def _wait(self, condition: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        problem: object = ""
        while True:
            try:
                if condition():
                    return
            except redis.RedisError as error:
                problem = f" ({error!r})"
            if time.monotonic() > deadline:
                logs = "\n".join(f"  {node}\n{node.log}" for node in self.nodes)
                raise ShapeFailed(f"waited {SETTLE_SECONDS:.0f} s in vain for {what}{problem}\n{logs}")
            time.sleep(0.02)


# Standalone


def standalone(
    *,
    user: str | None = None,
    password: str | None = None,
    maxmemory: str | None = None,
    unix: bool = False,
    tls: bool = False,
    require_client_certificate: bool = False,
    options: Sequence[str] = (),
    under: Sequence[str] = (),
) -> Shape:
    """Start one server for ``redis://``, ``rediss://`` (TlsUnsupported if there is no server for it) or ``unix://``.

    With ``user`` and ``password`` only this user has rights; ``password`` alone is that of the default user. ``maxmemory`` has
    the notation of Redis ("3mb"); a full server refuses writes. ``options`` are further command-line options. ``under`` is a
    command that runs the server, such as valgrind.
    """
    program, *before = [*under, str(tls_server() if tls else find_redis_server())]
    home, (port,) = short_temporary_directory(), free_ports(1)
    certificates = issue_certificates(home) if tls else None
    arguments = [*before, *in_memory(home / "node"), *_access(user, password), *options]
    if maxmemory:
        arguments += ["--maxmemory", maxmemory, "--maxmemory-policy", "noeviction"]
    if unix:
        arguments += ["--port", "0", "--unixsocket", str(home / "redis.sock")]
    elif certificates:
        arguments += tls_arguments(port, certificates, require_client_certificate)
    else:
        arguments += ["--port", str(port)]

    node = Node("primary", Path(program), home / "node", port, arguments)
    if unix:
        node.connection = {"unix_socket_path": str(home / "redis.sock")}
    if certificates:
        node.connection |= tls_connection(certificates)
    node.connection |= {"username": user, "password": password}
    return Shape(_standalone_url(node, user, password), [node], home, certificates)


def _standalone_url(node: Node, user: str | None, password: str | None) -> str:
    login = f"{quote(user or '', safe='')}:{quote(password, safe='')}@" if password else ""
    if path := node.connection.get("unix_socket_path"):
        return f"unix://{login}{path}"
    return f"{'rediss' if node.connection.get('ssl') else 'redis'}://{login}{node.host}:{node.port}/0"


def _access(user: str | None, password: str | None) -> list[str]:
    if user:
        secret = f">{password}" if password else "nopass"
        return ["--user", user, "on", secret, "~*", "&*", "+@all", "--user", "default", "off"]
    return ["--requirepass", password] if password else []


def in_memory(home: Path) -> list[str]:
    storage = ["--dir", str(home), "--save", "", "--appendonly", "no"]
    replication = ["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"]
    return [*storage, *replication, "--bind", HOST]


def address_of(node: Node) -> str:
    return f"{node.host}:{node.port}"


def _process_id(node: Node) -> int:
    if not node.alive or node.process is None:
        raise ShapeFailed(f"{node} is not running:\n{node.log}")
    return node.process.pid


def _keys(client: redis.Redis) -> list[bytes]:
    keys: list[bytes] = client.execute_command("KEYS", "*")
    return keys


def _entries(client: redis.Redis) -> Iterator[tuple[bytes, Entry]]:
    readers: dict[str, Callable[[bytes], Any]] = {
        "string": client.get,
        "hash": client.hgetall,
        "list": lambda key: client.lrange(key, 0, -1),
        "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        "stream": client.xrange,
    }
    for key in _keys(client):
        kind = client.execute_command("TYPE", key).decode()
        if kind in readers:  # "none": the key ended meanwhile
            yield key, Entry(kind, readers[kind](key), client.pttl(key))
