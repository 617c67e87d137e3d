"""A Redis that refuses writes: the process is not ready and says why, a metric does, and every write is 503."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.app import open_issuer
from service.observe.metrics import WRITE_REFUSALS
from service.store import writability
from service.store.writability import Writability
from tests import redis_groups, redis_shapes
from tests.kept_redis import RECOMMENDED
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.world import CALLBACK, World, error_of, in_process, settings_for


def data_nodes(shape: Shape) -> list[redis_shapes.Node]:
    return [node for node in shape.nodes if node.role != "sentinel"]


def configure(shape: Shape, name: str, value: str) -> None:
    for node in data_nodes(shape):
        node.admin.config_set(name, value)


@pytest.fixture
def unharmed(any_redis: Shape) -> Iterator[Shape]:
    yield any_redis
    configure(any_redis, "maxmemory", "0")
    configure(any_redis, "min-replicas-to-write", "0")


@pytest.fixture
async def hurt_world(unharmed: Shape) -> AsyncIterator[World]:
    settings = settings_for(unharmed.url, redis_timeout=2)
    async with open_issuer(settings) as issuer, in_process(issuer) as http:
        yield World(issuer, http, unharmed)


async def readiness(world: World) -> tuple[int, dict[str, str]]:
    response = await world.http.get("/readyz")
    return response.status, await response.json()


async def until_ready(world: World, status: int) -> dict[str, str]:
    async with asyncio.timeout(PATIENCE):
        while True:
            got, body = await readiness(world)
            if got == status:
                return body
            await asyncio.sleep(0.05)


async def shown(world: World) -> dict[str, float]:
    text = await (await world.http.get("/metrics")).text()
    return {
        sample.labels["reason"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "mintmark_redis_writes_refused"
    }


async def every_write(world: World, tokens: dict[str, str], code: str) -> list[tuple[int, str]]:
    responses = [
        await world.token(grant_type="client_credentials"),
        await world.token(grant_type="password", username="alice", password="wonderland"),
        await world.redeem(code),
        await world.refresh(tokens["refresh_token"]),
    ]
    assert all(int(response.headers["Retry-After"]) >= 1 for response in responses)
    return [await error_of(response) for response in responses]


@pytest.mark.parametrize(
    ("name", "value", "healed", "reason"),
    [("maxmemory", "1", "0", "full"), ("min-replicas-to-write", "7", "0", "replicas")],
)
async def test_refused_writes_are_503_and_the_process_is_not_ready(
    hurt_world: World, name: str, value: str, healed: str, reason: str
) -> None:
    world = hurt_world
    await world.user()
    client = await world.client()
    tokens, code = await world.tokens(client), await world.code(client)
    assert await readiness(world) == (200, {"status": "ok"})
    assert await shown(world) == dict.fromkeys(WRITE_REFUSALS, 0.0)

    configure(world.redis, name, value)
    assert set(await every_write(world, tokens, code)) == {(503, "temporarily_unavailable")}
    body = await until_ready(world, 503)
    assert (body["status"], body["reason"]) == ("redis refuses writes", reason)
    assert body["detail"]
    assert (await world.http.get("/livez")).status == 200
    assert await shown(world) == dict.fromkeys(WRITE_REFUSALS, 0.0) | {reason: 1.0}
    asked = {"client_id": "app", "response_type": "code", "redirect_uri": CALLBACK}
    page = await world.http.get("/authorize", params=asked, allow_redirects=False)
    assert page.status in (200, 302, 303, 503)  # never a fault of ours

    configure(world.redis, name, healed)
    await until_ready(world, 200)
    assert await shown(world) == dict.fromkeys(WRITE_REFUSALS, 0.0)
    assert (await world.redeem(code)).status == 200
    assert (await world.refresh(tokens["refresh_token"])).status == 200


async def test_one_full_primary_of_a_cluster_is_enough(cluster_shape: Shape) -> None:
    cluster_shape.heal()
    cluster_shape.flush()
    async with (
        open_issuer(settings_for(cluster_shape.url)) as issuer,
        in_process(issuer) as http,
    ):
        world = World(issuer, http, cluster_shape)
        for node in cluster_shape.primaries():
            node.admin.config_set("maxmemory", "1")
            try:
                assert (await until_ready(world, 503))["reason"] == "full"
            finally:
                node.admin.config_set("maxmemory", "0")
            await until_ready(world, 200)


async def test_a_replica_is_not_written_to() -> None:
    """READONLY: the server at the address has become a replica."""
    with redis_groups.pair() as pair:
        settings = settings_for(pair.url_of(pair.nodes[0]), redis_timeout=2)
        async with open_issuer(settings) as issuer, in_process(issuer) as http:
            world = World(issuer, http, pair)
            await world.client()
            assert (await readiness(world))[0] == 200
            pair.nodes[0].admin.replicaof("127.0.0.1", pair.nodes[1].port)
            assert (await until_ready(world, 503))["reason"] == "read_only"
            refused = await world.token(grant_type="client_credentials")
            assert await error_of(refused) == (503, "temporarily_unavailable")


async def test_a_disk_that_cannot_be_written() -> None:
    """MISCONF: after a snapshot that failed Redis refuses writes."""
    with redis_shapes.standalone() as shape:
        async with open_issuer(settings_for(shape.url)) as issuer, in_process(issuer) as http:
            world, admin = World(issuer, http, shape), shape.nodes[0].admin
            await world.client()
            (shape.nodes[0].home / "dump.rdb").mkdir()  # a snapshot cannot take its place
            admin.config_set("save", "3600 1")
            admin.execute_command("BGSAVE")
            assert (await until_ready(world, 503))["reason"] == "disk"
            refused = await world.token(grant_type="client_credentials")
            assert await error_of(refused) == (503, "temporarily_unavailable")
            admin.config_set("save", "")
            await until_ready(world, 200)


async def test_too_few_replicas_for_the_settings(redis: Shape) -> None:
    """redis_wait_replicas: what is not confirmed does not count as done."""
    async with (
        open_issuer(settings_for(redis.url, redis_wait_replicas=1, redis_timeout=2)) as issuer,
        in_process(issuer) as http,
    ):
        assert (await until_ready(World(issuer, http, redis), 503))["reason"] == "replicas"


async def test_rights_that_were_taken_away(redis: Shape) -> None:
    admin = redis.nodes[0].admin
    admin.execute_command("ACL", "SETUSER", "mintmark", "reset", "on", ">pw", *RECOMMENDED)
    try:
        settings = settings_for(redis.url, redis_username="mintmark", redis_password="pw")
        async with open_issuer(settings) as issuer, in_process(issuer) as http:
            world = World(issuer, http, redis)
            admin.execute_command("ACL", "SETUSER", "mintmark", "resetkeys")
            assert (await until_ready(world, 503))["reason"] == "rights"
    finally:
        admin.execute_command("ACL", "DELUSER", "mintmark")


@pytest.mark.parametrize("rule", ["-evalsha", "-publish", "resetchannels"])
async def test_a_right_that_only_some_requests_need_was_taken_away(redis: Shape, rule: str) -> None:
    """What readiness itself writes needs none of these; that requests fail is enough to look at each."""
    admin = redis.nodes[0].admin
    admin.execute_command("ACL", "SETUSER", "mintmark", "reset", "on", ">pw", *RECOMMENDED)
    try:
        settings = settings_for(redis.url, redis_username="mintmark", redis_password="pw")
        async with open_issuer(settings) as issuer, in_process(issuer) as http:
            world = World(issuer, http, redis)
            await world.user()
            tokens = await world.tokens(await world.client())
            admin.execute_command("ACL", "SETUSER", "mintmark", rule)
            assert (await world.revoke(tokens["refresh_token"])).status == 503
            for _ in range(3):  # though nothing was asked for since
                status, body = await readiness(world)
                assert (status, body["reason"]) == (503, "rights")
                issuer.store.writability._fresh_until = 0.0
            admin.execute_command("ACL", "SETUSER", "mintmark", *RECOMMENDED)
            await until_ready(world, 200)
    finally:
        admin.execute_command("ACL", "DELUSER", "mintmark")


async def test_however_many_ask_one_write_a_second_is_made(world: World) -> None:
    now = [1000.0]
    looked_at = Writability(world.issuer.store.connection, world.issuer.store.keys, clock=lambda: now[0])
    admin = world.redis.nodes[0].admin

    def writes() -> int:
        return int(admin.info("commandstats").get("cmdstat_set", {"calls": 0})["calls"])

    before = writes()
    assert set(await asyncio.gather(*(looked_at.look() for _ in range(100)))) == {None}
    assert writes() == before + 1
    now[0] += writability.EVERY
    await looked_at.look()
    assert writes() == before + 2
    assert all(0 < entry.pttl <= 1000 for key, entry in world.redis.dump().items() if b"probe" in key)


async def test_without_anybody_asking_the_metric_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writability, "_OF_BACKGROUND_TASKS", 0.05)
    monkeypatch.setattr(writability, "EVERY", 0.0)
    store, admin = world.issuer.store, world.redis.nodes[0].admin
    looking = asyncio.ensure_future(store.writability.keep_looking())
    admin.config_set("maxmemory", "1")
    try:
        async with asyncio.timeout(PATIENCE):
            while not store.writability.shown()["full"]:
                await asyncio.sleep(0.02)
    finally:
        admin.config_set("maxmemory", "0")
    async with asyncio.timeout(PATIENCE):
        while store.writability.shown()["full"]:
            await asyncio.sleep(0.02)
    looking.cancel()
