"""Numbers about the service: rates from counters, Redis as it says itself, live grants by client."""

from collections.abc import Iterator

import pytest

from service.admin import client_ending, statistics
from service.admin.statistics import Statistics
from service.app import open_issuer
from service.protocol.errors import TemporarilyUnavailable
from tests.console import Operator, operators_port, text_of
from tests.cutting_proxy import CuttingProxy
from tests.kept_redis import RECOMMENDED
from tests.redis_shapes import Shape
from tests.world import World, in_process, settings_for


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_rates_are_what_happened_between_two_samples(world: World) -> None:
    clock = Clock()
    await world.client()
    counted = Statistics(world._with(clock=clock).issuer)
    assert counted.points() == []
    assert counted.per_minute() is None
    await counted.sample()
    tokens = [await (await world.token(grant_type="client_credentials")).json() for _ in range(4)]
    await world.token(grant_type="nonsense")
    await world.introspect(tokens[0]["access_token"])
    clock.now += 2.0
    await counted.sample()
    (point,) = counted.points()
    assert (point.issued, point.refused, point.introspected) == (2.0, 0.5, 0.5)
    assert point.memory_bytes
    assert counted.per_minute() == 120
    clock.now += 5.0
    await counted.sample()
    assert counted.points()[-1].issued == 0
    assert counted.points(1) == counted.points()[-1:]


async def test_no_more_than_an_hour_is_kept(world: World) -> None:
    clock = Clock()
    counted = Statistics(world._with(clock=clock).issuer)
    for _ in range(statistics.KEPT + 20):
        await counted.sample()
        clock.now += statistics.EVERY
    assert len(counted.points(1e9)) == statistics.KEPT - 1


async def test_grants_are_counted_by_client(world: World) -> None:
    """Grants of people, and those that are one access token; not what is dead."""
    one, two = await world.client("one"), await world.client("two")
    for _ in range(3):
        await world.tokens(one)
    await world.tokens(two)
    await world.token("two", grant_type="client_credentials")
    found = await statistics.count_grants(world.issuer)
    assert found.by_client == {"one": 3, "two": 2}
    assert (found.total, found.exact, found.margin) == (5, True, 0)
    await client_ending.revoke_client(world.issuer, "one")
    await client_ending.disable_client(world.issuer, "two")
    assert (await statistics.count_grants(world.issuer)).total == 0


async def test_among_many_keys_they_are_estimated(world: World) -> None:
    """Bounded work, and it says how exact it is: 3000 grants among 9000 keys, of which 3000 are looked at."""
    client = await world.client()
    token = (await (await world.token(grant_type="client_credentials")).json())["access_token"]
    (name,) = world.key_names(":access:")
    admin = world.redis.primaries()[0].admin
    record, steps = admin.get(name), admin.pipeline()
    assert record
    for number in range(3000):
        steps.set(name.replace(token[6:28], f"{number:022d}"), record)
        steps.set(f"other:{number}", "x")
        steps.set(f"another:{number}", "x")
    steps.execute()
    found = await statistics.count_grants(world.issuer, most=3000)
    assert not found.exact
    assert found.scanned
    assert found.keys
    assert found.margin
    assert 3000 <= found.scanned < 4000
    assert found.keys >= 9000
    assert 0 < found.margin < 600
    assert abs(found.total - 3001) < 4 * found.margin, "seven standard errors: never by chance"
    assert set(found.by_client) == {client.client_id}
    exact = await statistics.count_grants(world.issuer, most=20_000)
    assert (exact.total, exact.exact) == (3001, True)


async def test_a_count_is_kept_for_a_while(world: World) -> None:
    counted = Statistics(world.issuer)
    client = await world.client()
    before = await counted.grants()
    await world.tokens(client)
    assert await counted.grants() is before


async def test_everything_for_programs(any_world: World) -> None:
    tokens = await any_world.tokens(await any_world.client())
    counted = Statistics(any_world.issuer)
    await counted.sample()
    told = await statistics.describe(counted)
    assert told["issued_per_second"] is None
    assert told["redis"]["memory_bytes"] > 100_000
    assert told["redis"]["keys"] >= 4
    assert told["redis"]["primaries"] == len(any_world.redis.primaries())
    assert told["grants"]["by_client"] == {"app": 1}
    assert tokens["access_token"] not in str(told)


async def test_redis_down_is_said_and_the_samples_go_on(world: World) -> None:
    async with (
        CuttingProxy(world.redis.nodes[0].host, world.redis.nodes[0].port) as proxy,
        open_issuer(settings_for(proxy.url), listen=False) as issuer,
    ):
        proxy.shorten(issuer.store.connection.address)
        counted = Statistics(issuer)
        await counted.sample()
        proxy.refuse()
        proxy.drop()
        with pytest.raises(TemporarilyUnavailable):
            await counted.grants()
        await counted.sample()
        assert counted.points()[-1].memory_bytes is None


@pytest.fixture
def asks_nothing(redis: Shape) -> Iterator[Shape]:
    """A user of ours who may not ask how Redis is."""
    admin = redis.nodes[0].admin
    admin.execute_command("ACL", "SETUSER", "mintmark", "reset", "on", ">pw", *RECOMMENDED, "-info", "-dbsize")
    yield redis
    admin.execute_command("ACL", "DELUSER", "mintmark")


async def test_what_redis_does_not_let_us_ask_is_not_known_and_no_zero(asks_nothing: Shape) -> None:
    settings = settings_for(asks_nothing.url, redis_username="mintmark", redis_password="pw")
    async with open_issuer(settings) as issuer, in_process(issuer) as http:
        world = World(issuer, http, asks_nothing)
        client = await world.client()
        for _ in range(3):
            await world.tokens(client)
        counted = Statistics(issuer)
        for _ in range(2):
            await counted.sample()
        told = await statistics.describe(counted)
        unknown = {"memory_bytes", "memory_limit_bytes", "connections", "commands_per_second", "evicted_keys", "keys"}
        assert {name for name, value in told["redis"].items() if value is None} == unknown
        assert told["redis"]["versions"] != [""]
        assert (told["grants"]["total"], told["grants"]["exact"]) == (3, True)
        assert [point.memory_bytes for point in counted.points()] == [None]
        for number in range(2000):
            asks_nothing.nodes[0].admin.set(f"other:{number}", "x")
        partly = await statistics.count_grants(issuer, most=500)
        assert (partly.exact, partly.keys, partly.margin) == (False, None, None)
        assert partly.total <= 3
        async with operators_port(world) as port:
            operator = Operator(world, port)
            await operator.sign_in()
            shown = text_of(await operator.get("/console"))
            assert shown.count("not known") >= 5
            assert "+info +dbsize" in shown
