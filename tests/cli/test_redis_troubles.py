"""What the command line says when Redis cannot be used: each cause has its own heading, and says what to do. Exit code 3."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.cli.exits import REDIS, RedisUnusableError, code_of, redis_explained
from service.store.store import open_store
from tests import redis_shapes, redis_tls
from tests.cli.command_line import CommandLine
from tests.kept_redis import RECOMMENDED
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import settings_for


def said_of(url: str, **changes: object) -> str:
    """What a command says that finds this Redis."""
    settings = settings_for(url, **{"redis_timeout": PATIENCE, "redis_connect_timeout": PATIENCE, **changes})

    async def opened() -> None:
        await (await open_store(settings, listen=False)).close()

    with pytest.raises(RedisUnusableError) as refused, redis_explained(settings):
        asyncio.run(opened())
    assert code_of(refused.value) == REDIS == 3
    return str(refused.value)


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def locked() -> Iterator[Shape]:
    with redis_shapes.standalone(user="mintmark", password="secret") as shape:
        yield shape


def test_a_wrong_password_is_not_called_unreachable(locked: Shape) -> None:
    said = said_of(locked.url.replace("secret", "hunter2"))
    assert said.startswith("Redis refuses the login: it has no such user, or the password is another one")
    assert "redis_password" in said
    assert "Start Redis" not in said
    assert "hunter2" not in said


def test_no_password_where_one_is_wanted(locked: Shape) -> None:
    said = said_of(f"redis://127.0.0.1:{locked.nodes[0].port}")
    assert said.startswith("Redis wants a password, and none is set")
    assert "redis_password" in said


def test_nobody_listens() -> None:
    address = f"127.0.0.1:{free_port()}"
    said = said_of(f"redis://{address}")
    assert said.startswith(f"Redis cannot be reached: {address}: connection refused\n")
    assert "Start Redis there" in said


def test_no_numbers_of_python_are_told() -> None:
    for host in ("localhost", "no-such-host.invalid"):  # localhost may have two addresses, and each fails
        assert "Errno" not in said_of(f"redis://{host}:{free_port()}")


def test_no_such_socket(tmp_path: Path) -> None:
    said = said_of(f"unix://{tmp_path}/none.sock")
    assert said.startswith("Redis cannot be reached")
    assert "Start Redis there" in said


def test_the_demo_has_ended(tmp_path: Path) -> None:
    """MINTMARK_SECRETS_DIR still leads to it, from the terminal where the README was tried."""
    said = said_of(f"unix://{tmp_path}/.mintmark/redis/redis.sock")
    assert f"The demo that has its data in {tmp_path}/.mintmark has ended: `make run`" in said


def test_a_name_without_an_address() -> None:
    said = said_of("redis://no-such-host.invalid:6379")
    assert said.startswith("The host of redis_url has no address")


def test_a_server_that_says_nothing() -> None:
    with silent() as port:
        said = said_of(f"redis://127.0.0.1:{port}", redis_timeout=0.5, redis_connect_timeout=0.5)
    assert said.startswith("Redis does not answer in time")
    assert "redis_connect_timeout" in said


def test_a_database_that_is_not_there(redis: Shape) -> None:
    assert said_of(redis.url.removesuffix("/0") + "/4711").startswith("Redis has no database of that number")


def test_standalone_where_a_cluster_is_meant_and_the_other_way_round(
    redis: Shape, cluster_shape: Shape, sentinel_shape: Shape
) -> None:
    one, node = redis.nodes[0], cluster_shape.nodes[0]
    said = said_of(f"redis+cluster://127.0.0.1:{one.port}")
    assert said.startswith("This is no Cluster")
    said = said_of(f"redis://127.0.0.1:{node.port}")
    assert "one of several servers of a Cluster" in said
    assert "redis+cluster://" in said
    said = said_of(f"redis://127.0.0.1:{node.port}/3")
    assert said.startswith(
        ("A Cluster has no database number", "Redis has no database of that number")
    )  # Valkey 9 has some
    said = said_of(f"redis+sentinel://127.0.0.1:{one.port}/main")
    assert said.startswith("This is no Sentinel")
    said = said_of(f"redis://127.0.0.1:{sentinel_shape.nodes[-1].port}")
    assert "is a Sentinel" in said
    said = said_of(sentinel_shape.url.replace("/mintmark", "/another"))
    assert said.startswith("The Sentinels know no such service")


@pytest.mark.parametrize(
    ("reply", "heading"),
    [
        ("-LOADING Redis is loading the dataset in memory", "Redis is still loading its data"),
        ("-DENIED Redis is running in protected mode", "Redis is in protected mode"),
        ("-ERR max number of clients reached", "Redis has no connection left"),
        ("-ERR unknown command 'HELLO', with args beginning with: '2'", "This Redis is too old"),
        ("-ERR unknown command `HELLO`, with args beginning with: `2`, ", "This Redis is too old"),  # as before Redis 7
        ("-NOPERM this user has no permissions to run the 'hello' command", "The Redis user lacks a right"),
        ("-CLUSTERDOWN The cluster is down", "The Cluster is down"),
        ("*0", "This Redis is too old, or something else"),
        ("$-1", "This Redis is too old, or something else"),
        ("+OK", "This Redis is too old, or something else"),
        ("*2\r\n+version\r\n+seven", "This Redis is too old, or something else"),
    ],
)
def test_what_a_server_says_at_the_door(reply: str, heading: str) -> None:
    """Real servers say this in states that last a moment; here a socket says it in their words."""

    async def opened() -> str:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(f"{reply}\r\n".encode())
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await asyncio.to_thread(said_of, f"redis://127.0.0.1:{port}")

    assert asyncio.run(opened()).startswith(heading)


@pytest.fixture(scope="module")
def with_tls() -> Iterator[Shape]:
    if not redis_tls.tls_is_available():
        pytest.skip("no redis-server with TLS: install Debian's redis-server")
    with redis_shapes.standalone(tls=True, require_client_certificate=True) as shape:
        yield shape


def test_tls(with_tls: Shape, redis: Shape) -> None:
    files = with_tls.certificates
    assert files is not None
    assert said_of(with_tls.url).startswith("The certificate of Redis is not trusted")
    without_ours = said_of(with_tls.url, redis_ca_file=files.authority)
    assert without_ours.startswith(("TLS with Redis fails", "Redis closes the connection at once"))
    nowhere = said_of(with_tls.url, redis_ca_file=files.authority.with_name("nowhere.pem"))
    assert nowhere.startswith("TLS with Redis fails: ")
    assert "redis_ca_file: there is no file" in nowhere
    assert said_of(with_tls.url.replace("rediss", "redis")).startswith("Redis closes the connection at once")
    plain = said_of(redis.url.replace("redis://", "rediss://"), redis_ca_file=files.authority, redis_connect_timeout=1)
    assert plain.startswith(("Redis does not speak TLS there", "Redis does not answer in time"))


def test_numbers_that_redis_keeps_to_itself_are_not_known_and_no_zeros(mintmark: CommandLine, redis: Shape) -> None:
    admin = redis.nodes[0].admin
    admin.execute_command("ACL", "SETUSER", "mintmark", "reset", "on", ">pw", *RECOMMENDED, "-info", "-dbsize")
    mintmark.variables |= {"MINTMARK_REDIS_USERNAME": "mintmark", "MINTMARK_REDIS_PASSWORD": "pw"}
    try:
        numbers = mintmark("statistics", "--json").json["redis"]
        assert (numbers["keys"], numbers["memory_bytes"], numbers["evicted_keys"]) == (None, None, None)
        shown = mintmark("statistics")
        assert shown.out.count("not known") == 6
        assert "+info +dbsize" in shown.err
    finally:
        admin.execute_command("ACL", "DELUSER", "mintmark")
