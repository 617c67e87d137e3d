"""Peers that are Python applications: one process under gunicorn, with a PostgreSQL of their own."""

import json
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

from loadtests import interpreter, servers
from loadtests.peers import postgresql
from loadtests.peers.peer import PEERS, RunningPeer, made_by, output_of, peer_environment
from loadtests.servers import Server, ServerFailedError
from loadtests.supplies import Supplier
from tests.free_ports import free_ports

APPS = PEERS / "apps"
THREADS = 8
OPTIONS = ["--worker-class", "gthread", "--threads", str(THREADS), "--keep-alive", "75"]
MACHINE = "machine-without-user"
"""The client for client_credentials, where a client can have one grant type only."""


def find_missing(*modules: str) -> str:
    """Return what to install, "" where nothing is missing."""
    if absent := [module for module in ("gunicorn", "psycopg", *modules) if find_spec(module) is None]:
        return (
            f"{', '.join(absent)}: not in this environment: make .venv/.load, or pip install -r requirements/load.txt"
        )
    return postgresql.find_missing()


@asynccontextmanager
async def under_gunicorn(
    supplies: Supplier, application: str, packages: Sequence[str], **differences: Any
) -> AsyncIterator[RunningPeer]:
    """Run an application under gunicorn.

    Args:
        supplies: Has the clients.
        application: ``module:name`` in ``apps``.
        packages: The packages whose versions are reported.
        differences: Further members of ``RunningPeer``.
    """
    module = application.partition(":")[0]
    with postgresql.postgresql() as database:
        url = f"http://127.0.0.1:{(port := free_ports(1)[0])}"
        environment = peer_environment(supplies, url) | {
            "DATABASE_URL": database.url("postgresql+psycopg"),
            "MACHINE": MACHINE,
        }
        python = _python()
        program = [python, str(APPS / f"{module}.py")]
        await output_of(*program, "prepare", environment=environment)
        command = [python, "-m", "gunicorn", "--chdir", str(APPS), "--bind", f"127.0.0.1:{port}", *OPTIONS]
        async with servers.process([*command, application], environment, url, "/nothing") as pid:
            yield RunningPeer(
                Server(module, url, pid, (database.pid,)),
                made_by(program, environment),
                await _versions(python, *packages, "gunicorn") | {"PostgreSQL": database.version},
                supplies.secret,
                audience=url,
                **differences,
            )


def _python() -> str:
    """Return the Python that Mintmark runs with, too."""
    try:
        return interpreter.serving_peers().program
    except (OSError, subprocess.CalledProcessError) as error:
        raise ServerFailedError(f"there is no environment for it: {error}") from error


async def _versions(python: str, *packages: str) -> dict[str, str]:
    program = f"import json, importlib.metadata as m; print(json.dumps({{one: m.version(one) for one in {packages}}}))"
    return dict(json.loads(await output_of(python, "-c", program)))
