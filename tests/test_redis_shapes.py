"""The Redis shapes do what the other tests rely on."""

import contextlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import redis.asyncio
import redis.asyncio.sentinel
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests import redis_shapes
from tests.patience import PATIENCE
from tests.redis_groups import Cluster, Sentinel, cluster, sentinel
from tests.redis_shapes import Shape, ShapeFailed, standalone
from tests.redis_tls import tls_is_available

ONCE = Retry(NoBackoff(), 0)


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def one() -> Iterator[Shape]:
    with standalone() as shape:
        yield shape


@pytest.fixture(scope="module")
def the_cluster() -> Iterator[Cluster]:
    with cluster() as shape:
        yield shape


@pytest.fixture(scope="module")
def the_sentinel() -> Iterator[Sentinel]:
    with sentinel() as shape:
        yield shape


@pytest.fixture(params=["one", "the_cluster", "the_sentinel"])
def shape(request: pytest.FixtureRequest) -> Shape:
    shape: Shape = request.getfixturevalue(request.param)
    shape.heal()
    shape.flush()
    return shape


def endpoints(url: str) -> list[tuple[str, int]]:
    return [(host, int(port)) for host, port in (part.split(":") for part in urlsplit(url).netloc.split(","))]


def cluster_client(shape: Shape) -> redis.RedisCluster:
    nodes = [redis.cluster.ClusterNode(host, port) for host, port in endpoints(shape.url)]
    return redis.RedisCluster(startup_nodes=nodes)


def eventually(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Return once the condition holds; redis errors count as not yet."""
    deadline = time.monotonic() + seconds
    while not _holds(condition):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def _holds(condition: Callable[[], object]) -> bool:
    with contextlib.suppress(redis.RedisError):
        return bool(condition())
    return False


# Shapes


def test_a_url_names_who_to_connect_to(one: Shape, the_cluster: Cluster, the_sentinel: Sentinel) -> None:
    assert one.url == f"redis://127.0.0.1:{one.nodes[0].port}/0"
    assert urlsplit(the_cluster.url).scheme == "redis+cluster"
    assert endpoints(the_cluster.url) == [(node.host, node.port) for node in the_cluster.nodes[:3]]
    assert urlsplit(the_sentinel.url).scheme == "redis+sentinel"
    assert endpoints(the_sentinel.url) == [(node.host, node.port) for node in the_sentinel.nodes[2:]]
    assert urlsplit(the_sentinel.url).path == "/mintmark"


def test_dump_shows_every_key_and_flush_forgets_them(shape: Shape) -> None:
    for node in shape.primaries():
        for number in range(20):  # a cluster's node takes the keys of its own slots only
            with contextlib.suppress(redis.ResponseError):
                node.admin.set(f"key:{number}", "value", px=60_000)
    assert len(shape.keys()) == 20
    dump = shape.dump()
    assert list(dump) == shape.keys()
    assert {(entry.type, entry.value) for entry in dump.values()} == {("string", b"value")}
    assert all(0 < entry.pttl <= 60_000 for entry in dump.values())
    shape.flush()
    assert shape.keys() == []


def test_dump_reads_every_type(one: Shape) -> None:
    client = one.nodes[0].admin
    one.flush()
    client.hset("hash", "field", "1")
    client.rpush("list", "1", "2")
    client.sadd("set", "1")
    client.zadd("zset", {"1": 2})
    client.xadd("stream", {"field": "1"}, id="1-0")
    dump = one.dump()
    assert {key.decode(): entry.value for key, entry in dump.items()} == {
        "hash": {b"field": b"1"},
        "list": [b"1", b"2"],
        "set": {b"1"},
        "stream": [(b"1-0", {b"field": b"1"})],
        "zset": [(b"1", 2.0)],
    }
    assert {entry.pttl for entry in dump.values()} == {-1}


def test_a_paused_server_hangs_and_a_killed_one_comes_back_empty(one: Shape) -> None:
    node = one.nodes[0]
    node.admin.set("a", "1")
    client = redis.Redis(port=node.port, socket_timeout=PATIENCE, retry=ONCE)
    one.pause(node)
    with pytest.raises(redis.TimeoutError):
        redis.Redis(port=node.port, socket_timeout=0.1, retry=ONCE).ping()
    one.resume(node)
    assert client.get("a") == b"1"

    one.kill(node)
    with pytest.raises(redis.ConnectionError):
        client.ping()
    assert one.primaries() == []
    one.restart(node)
    assert client.get("a") is None


def test_a_cluster_serves_a_key_written_anywhere(the_cluster: Cluster) -> None:
    the_cluster.flush()
    client = cluster_client(the_cluster)
    for number in range(100):
        client.set(f"key:{number}", number)
    assert [client.get(f"key:{number}") for number in range(100)] == [str(number).encode() for number in range(100)]
    assert [bool(node.admin.keys("*")) for node in the_cluster.nodes[:3]] == [True, True, True]
    assert len(client.get_replicas()) == 3


def test_a_cluster_outlives_a_primary_and_heals(the_cluster: Cluster) -> None:
    victim = the_cluster.nodes[0]
    client = cluster_client(the_cluster)
    client.set("foo", "1")  # slot 12182, on the third node
    the_cluster.kill(victim)
    eventually(lambda: len(the_cluster.primaries()) == 3)
    assert victim not in the_cluster.primaries()
    the_cluster.heal()
    assert not victim.is_primary()
    assert client.get("foo") == b"1"


def test_sentinels_move_the_primary_when_it_dies(the_sentinel: Sentinel) -> None:
    the_sentinel.flush()
    watch = redis.sentinel.Sentinel(endpoints(the_sentinel.url), socket_timeout=10)
    old = the_sentinel.primary_by_sentinels()
    assert old
    assert watch.discover_master("mintmark") == (old.host, old.port)
    watch.master_for("mintmark").set("a", "1")
    old.admin.wait(1, 1000)

    the_sentinel.kill(old)
    eventually(lambda: watch.discover_master("mintmark") != (old.host, old.port))
    eventually(lambda: watch.master_for("mintmark").get("a") == b"1")

    the_sentinel.heal()
    assert the_sentinel.primaries() == [the_sentinel.primary_by_sentinels()]
    assert the_sentinel.primaries() != [old]
    assert old.admin.get("a") == b"1"


@pytest.mark.parametrize("login", [{"user": "mint/mark", "password": "p@ss/w:rd#"}, {"password": "pa ss"}])
def test_a_password_is_asked_for(login: dict[str, Any]) -> None:
    with standalone(**login) as shape:
        assert redis.Redis.from_url(shape.url).set("a", "1")
        with pytest.raises((redis.AuthenticationError, redis.ResponseError)):
            redis.Redis(port=shape.nodes[0].port, retry=ONCE).set("a", "1")
        assert shape.keys() == [b"a"]


def test_a_unix_socket_is_a_shape_too() -> None:
    with standalone(unix=True, password="secret") as shape:
        assert shape.url.startswith("unix://:secret@/")
        assert redis.Redis.from_url(shape.url).set("a", "1")
        assert shape.keys() == [b"a"]


def fill(client: redis.Redis) -> None:
    for number in range(10_000):
        client.set(f"key:{number}", "x" * 1000)


def test_a_full_server_refuses_writes() -> None:
    with standalone(maxmemory="3mb") as shape:
        client = redis.Redis.from_url(shape.url)
        with pytest.raises(redis.OutOfMemoryError):
            fill(client)
        assert client.get("key:0") == b"x" * 1000


@pytest.mark.skipif(not tls_is_available(), reason="no redis-server with TLS here")
def test_tls_needs_our_authority_and_may_need_a_client_certificate() -> None:
    with standalone(tls=True, require_client_certificate=True) as shape:
        files = shape.certificates
        assert files
        trust = {"ssl_ca_certs": str(files.authority)}
        identity = {"ssl_certfile": str(files.client_certificate), "ssl_keyfile": str(files.client_key)}
        assert shape.url.startswith("rediss://127.0.0.1:")
        assert redis.Redis.from_url(shape.url, **trust, **identity).set("a", "1")
        assert shape.keys() == [b"a"]
        for incomplete in ({}, trust):
            with pytest.raises(redis.ConnectionError):
                redis.Redis.from_url(shape.url, **incomplete, retry=ONCE).ping()


def test_a_server_without_tls_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = tmp_path / "redis-server"
    deaf.write_text("#!/bin/sh\necho Bad directive\nexit 1\n")
    deaf.chmod(0o700)
    monkeypatch.setenv("MINTMARK_TEST_REDIS_SERVER", str(deaf))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not tls_is_available()


def test_a_shape_that_does_not_form_shows_the_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_shapes, "SETTLE_SECONDS", 0.5)
    said = r"in vain for cluster_state:ok.*\n  <primary .*>\n +\d+:[MSC] .*(.*\n)*  <replica .*>\n +\d+:[MSC] "
    with pytest.raises(ShapeFailed, match=said):
        cluster()
    with pytest.raises(ShapeFailed, match=r"(?s)ended by itself.*maxmemory"):
        standalone(maxmemory="a lot")


def test_the_servers_end_with_the_test_process() -> None:
    script = "from tests.redis_shapes import *; s = standalone(); print(s.nodes[0].port, s.home, flush=True); input()"
    session = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert session.stdout
    port, home = session.stdout.readline().split()
    client = redis.Redis(port=int(port), retry=ONCE)
    assert client.ping()
    session.send_signal(signal.SIGKILL)
    session.communicate()
    eventually(lambda: not _holds(client.ping))
    shutil.rmtree(home)
