"""A PostgreSQL for one peer, on a free port of 127.0.0.1, with its default settings. It is deleted afterwards."""

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from loadtests.servers import ServerFailedError
from tests.free_ports import free_ports

DEBIAN = Path("/usr/lib/postgresql")
USER = "peers"
ROOTS_STAND_IN = "postgres"
"""The user for it where we are root, which it refuses to run as. Debian's package makes this user."""
START_SECONDS = 60.0
STOP_SECONDS = 10.0


class Database(NamedTuple):
    """A running PostgreSQL, with the id of its main process."""

    port: int
    password: str
    pid: int
    version: str

    def url(self, scheme: str) -> str:
        """Return the URL of its database with user and password: for an environment, never for a command line."""
        return f"{scheme}://{USER}:{self.password}@127.0.0.1:{self.port}/postgres"


def find_missing() -> str:
    """Return what to install, "" where nothing is missing."""
    if _program("initdb") is None:
        return "PostgreSQL is not installed: apt-get install postgresql, brew install postgresql"
    if _user() and not _exists(ROOTS_STAND_IN):
        return f"PostgreSQL does not run as root, and there is no user {ROOTS_STAND_IN} for it"
    return ""


@contextmanager
def postgresql() -> Iterator[Database]:
    """Run an empty PostgreSQL until the block ends. Raises ServerFailedError."""
    home, password, (port,) = (
        Path(tempfile.mkdtemp(prefix="mintmark-postgresql-")),
        secrets.token_urlsafe(),
        free_ports(1),
    )
    try:
        _initialise(home, password)
        settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (home / "log").open("w+b") as log:
            server = subprocess.Popen(
                [_needed("postgres"), "-D", str(home / "data"), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=_user(),
                cwd=home,
            )
        try:
            _wait(server, port, home / "log")
            yield Database(port, password, server.pid, _version())
        finally:
            _end(server)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _initialise(home: Path, password: str) -> None:
    """Make a data folder with one user, who needs a password."""
    secret = home / "password"
    secret.touch(0o600)
    secret.write_text(password)
    if user := _user():
        for path in (home, secret):
            shutil.chown(path, user)
    options = ["--username", USER, "--pwfile", str(secret), "--auth", "scram-sha-256"]
    options += ["--encoding", "UTF8", "--locale", "C"]
    command = [_needed("initdb"), "-D", str(home / "data"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, user=user, cwd=home)
    secret.unlink()
    if done.returncode != 0:
        raise ServerFailedError(f"initdb failed:\n{(done.stderr or done.stdout)[-2000:]}")


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ready = [_needed("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    for _ in range(int(START_SECONDS / 0.1)):
        if server.poll() is None and subprocess.run(ready, check=False).returncode == 0:
            return
        if server.returncode is not None:
            break
        time.sleep(0.1)
    raise ServerFailedError(f"PostgreSQL did not come up:\n{log.read_text(errors='replace')[-2000:]}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """End it by SIGINT, its fast shutdown, which does not wait for clients."""
    server.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        server.wait(STOP_SECONDS)
        return
    server.send_signal(signal.SIGQUIT)
    server.wait(STOP_SECONDS)


def _version() -> str:
    output = subprocess.run([_needed("postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+(\.\d+)+", output)
    return found[0] if found else output.strip()


def _needed(name: str) -> str:
    found = _program(name)
    if found is None:
        raise ServerFailedError(find_missing())
    return found


def _program(name: str) -> str | None:
    """Return a program of the newest of Debian's versions, which are not on PATH, otherwise the one on PATH."""
    versions = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return str(versions[-1]) if versions else shutil.which(name)


def _user() -> str | None:
    return ROOTS_STAND_IN if os.geteuid() == 0 else None


def _exists(user: str) -> bool:
    with suppress(KeyError):
        return bool(pwd.getpwnam(user))
    return False
