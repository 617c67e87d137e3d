"""The cutting proxy loses what it is told to lose, and counts round trips."""

from collections.abc import AsyncIterator, Iterator

import pytest
import redis
import redis.asyncio
import redis.asyncio.sentinel
from redis.backoff import NoBackoff

from tests.cutting_proxy import CuttingProxy
from tests.patience import PATIENCE
from tests.redis_shapes import Shape, standalone

# On uvloop a write to a connection that the other side has just closed is a RuntimeError, and redis-py passes it on.
LOST = (redis.ConnectionError, RuntimeError)

Through = tuple[CuttingProxy, redis.asyncio.Redis]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def one() -> Iterator[Shape]:
    with standalone() as shape:
        yield shape


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
async def through(request: pytest.FixtureRequest, one: Shape) -> AsyncIterator[Through]:
    """A proxy, and a client through it that never tries twice."""
    one.heal()
    one.flush()
    async with CuttingProxy(one.nodes[0].host, one.nodes[0].port) as proxy:
        never = redis.asyncio.retry.Retry(NoBackoff(), 0)
        async with redis.asyncio.Redis.from_url(
            proxy.url, protocol=request.param, retry=never, socket_timeout=0.3
        ) as client:
            yield proxy, client


async def test_a_proxy_passes_everything_on(through: Through) -> None:
    proxy, client = through
    value = bytes(range(256)) * 1000 + b"\r\n$5\r\n"
    await client.set("a", value)
    assert await client.get("a") == value
    async with client.pipeline(transaction=True) as pipeline:
        for number in range(1000):
            pipeline.hset("hash", str(number), "1")
        pipeline.hgetall("hash")
        assert len((await pipeline.execute())[-1]) == 1000
    with pytest.raises(redis.ResponseError):
        await client.incr("a")
    assert proxy.commands[-1] == [b"INCRBY", b"a", b"1"]
    assert proxy.cuts.total() == 0


async def test_a_request_can_be_lost(through: Through, one: Shape) -> None:
    proxy, client = through
    proxy.cut_before("incrby")
    with pytest.raises(redis.ConnectionError):
        await client.incr("a")
    assert one.keys() == []
    assert await client.incr("a") == 1
    assert proxy.cuts == {"before": 1}


async def test_a_reply_can_be_lost(through: Through, one: Shape) -> None:
    proxy, client = through
    proxy.cut_after(lambda command: command[1:2] == [b"b"])
    assert await client.incr("a") == 1
    with pytest.raises(redis.ConnectionError):
        await client.incr("b")
    assert one.dump()[b"b"].value == b"1"
    assert await client.incr("b") == 2
    assert proxy.cuts == {"after": 1}


@pytest.mark.usefixtures("one")
async def test_a_reply_can_be_torn(through: Through) -> None:
    proxy, client = through
    await client.set("a", "x" * 1000)
    proxy.cut_halfway("GET")
    with pytest.raises(redis.ConnectionError):
        await client.get("a")
    assert await client.get("a") == b"x" * 1000
    assert proxy.cuts == {"halfway": 1}


@pytest.mark.parametrize(
    ("cut", "executed"),
    [("cut_before", [b"a", b"b"]), ("cut_after", [b"a", b"b", b"c", b"d"]), ("cut_halfway", [b"a", b"b", b"c", b"d"])],
)
async def test_a_cut_hits_the_chosen_command_of_a_pipeline(one: Shape, cut: str, executed: list[bytes]) -> None:
    one.flush()
    async with CuttingProxy(one.nodes[0].host, one.nodes[0].port) as proxy:
        connection = redis.asyncio.Connection(host="127.0.0.1", port=proxy.port, protocol=2)
        await connection.connect()
        getattr(proxy, cut)(lambda command: command[1] == b"c")
        packed = connection.pack_commands([("INCRBY", key, "1234567") for key in ("a", "b", "c", "d")])
        await connection.send_packed_command(b"".join(packed))
        assert [await connection.read_response(), await connection.read_response()] == [1234567, 1234567]
        with pytest.raises(redis.ConnectionError):
            await connection.read_response()
        assert one.keys() == executed


async def test_cuts_can_repeat(through: Through) -> None:
    proxy, client = through
    proxy.cut_before("PING", times=2)
    for _ in range(2):
        with pytest.raises(redis.ConnectionError):
            await client.ping()
    assert await client.ping()
    assert proxy.cuts == {"before": 2}


async def test_a_hanging_server_swallows_replies_until_it_heals(through: Through, one: Shape) -> None:
    proxy, client = through
    await client.ping()
    proxy.hang()
    for _ in range(2):  # on an open connection, and on a new one
        with pytest.raises(redis.TimeoutError):
            await client.incr("a")
    assert one.dump()[b"a"].value == b"1"
    proxy.heal()
    assert await client.incr("a") == 2
    assert proxy.cuts.total() == 0


async def test_a_refusing_server_takes_no_new_connection(through: Through) -> None:
    proxy, client = through
    await client.ping()
    proxy.refuse()
    assert await client.ping()
    proxy.drop()
    for _ in range(2):
        with pytest.raises(LOST):
            await client.ping()
    proxy.heal()
    assert await client.ping()


async def test_a_dead_server_is_a_closed_connection(through: Through, one: Shape) -> None:
    _, client = through
    await client.ping()
    one.kill(one.nodes[0])
    for _ in range(2):
        with pytest.raises(LOST):
            await client.ping()
    one.heal()
    assert await client.ping()


async def test_messages_do_not_upset_the_count(through: Through) -> None:
    proxy, client = through
    async with client.pubsub() as pubsub:
        await pubsub.subscribe("one", "two")
        for kind in ("subscribe", "subscribe"):
            assert (await pubsub.get_message(timeout=PATIENCE))["type"] == kind
        await client.publish("one", "hello")
        assert (await pubsub.get_message(timeout=PATIENCE))["data"] == b"hello"
        proxy.cut_after("PING")
        await pubsub.ping()
        with pytest.raises(redis.ConnectionError):
            await pubsub.get_message(timeout=PATIENCE)
    assert proxy.cuts == {"after": 1}


async def test_round_trips_are_counted(through: Through) -> None:
    proxy, client = through
    await client.ping()
    before = proxy.round_trips
    await client.ping()
    async with client.pipeline(transaction=False) as pipeline:
        for _ in range(3):
            pipeline.ping()
        await pipeline.execute()
    assert proxy.round_trips == before + 2
