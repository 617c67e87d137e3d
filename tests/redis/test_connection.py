"""The connection: batches, retries that do everything exactly once (P3), and 503 within the timeout (P7)."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from redis import Redis

from service.app import open_issuer
from service.redis.errors import StoreError, kind_of
from service.redis.script import TEXTS
from service.store.store import open_store
from tests import redis_shapes
from tests.cutting_proxy import CuttingProxy
from tests.patience import PATIENCE, until
from tests.world import World, error_of, in_process, settings_for


@pytest.fixture
async def cut_world(
    proxy: CuttingProxy, redis: redis_shapes.Shape, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """A service that reaches its Redis through the proxy; the parameter: settings."""
    async with (
        open_issuer(settings_for(proxy.url, **getattr(request, "param", {}))) as issuer,
        in_process(issuer) as http,
    ):
        yield World(issuer, http, redis)


impatient = pytest.mark.parametrize("cut_world", [{"redis_timeout": 0.5}], indirect=True, ids=["impatient"])

# P3: a connection cut at every point of every act


CUTS = ["cut_before", "cut_after", "cut_halfway"]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("trip", [1, 2])
async def test_a_cut_while_redeeming_a_code_costs_nothing(
    cut_world: World, proxy: CuttingProxy, cut: str, trip: int
) -> None:
    client = await cut_world.client()
    code = await cut_world.code(client)
    getattr(proxy, cut)("MGET" if trip == 1 else _calls("redeem_code"))
    response = await cut_world.redeem(code)
    tokens = await response.json()
    assert (response.status, sum(proxy.cuts.values())) == (200, 1)
    assert await cut_world.is_active(tokens["access_token"])
    assert await error_of(await cut_world.redeem(code)) == (400, "invalid_grant")
    assert not await cut_world.is_active(tokens["access_token"]), "the second redemption ended the grant"


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("rotation", ["always", "never"])
async def test_a_cut_while_refreshing_costs_nothing(
    cut_world: World, proxy: CuttingProxy, cut: str, rotation: str
) -> None:
    client = await cut_world.client(refresh_rotation=rotation, refresh_limit=5)
    tokens = await cut_world.tokens(client)
    getattr(proxy, cut)(_calls("rotate_refresh_token" if rotation == "always" else "reuse_refresh_token"))
    response = await cut_world.refresh(tokens["refresh_token"])
    refreshed = await response.json()
    assert (response.status, sum(proxy.cuts.values())) == (200, 1)
    assert await cut_world.is_active(refreshed["access_token"])
    opened = [value for key, value in cut_world.redis.dump().items() if b":refresh:" in key]
    living = [entry for entry in opened if entry.value.startswith(b"{")]
    assert len(living) == 1
    assert b'"l":4' in living[0].value, "one refresh was counted, not two"


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("script", ["issue_tokens", "issue_code"])
async def test_a_cut_while_issuing_costs_nothing(cut_world: World, proxy: CuttingProxy, cut: str, script: str) -> None:
    client = await cut_world.client()
    await cut_world.user()
    getattr(proxy, cut)(_calls(script))
    if script == "issue_code":
        response = await cut_world.redeem(await cut_world.code(client))
    else:
        response = await cut_world.token(grant_type="password", username="alice", password="wonderland")
    assert (response.status, sum(proxy.cuts.values())) == (200, 1)
    assert await cut_world.issuer.store.grants.revoke_user("alice") == 1


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("command", ["SET", "EVALSHA"])
async def test_a_cut_while_a_client_gets_or_revokes_its_token_costs_nothing(
    cut_world: World, proxy: CuttingProxy, cut: str, command: str
) -> None:
    await cut_world.client()
    if command == "SET":
        getattr(proxy, cut)("SET")
    token = (await (await cut_world.token(grant_type="client_credentials")).json())["access_token"]
    assert await cut_world.is_active(token)
    if command == "EVALSHA":
        getattr(proxy, cut)(_calls("revoke_token"))
    assert (await cut_world.revoke(token)).status == 200
    assert sum(proxy.cuts.values()) == 1
    assert not await cut_world.is_active(token)


async def test_a_grant_that_was_revoked_does_not_come_back_by_a_command_sent_again(
    cut_world: World, proxy: CuttingProxy
) -> None:
    """The reply to the issue is lost, the user is revoked, then the issue is sent again: it must not write anew."""
    await cut_world.client()
    await cut_world.user()
    other = await open_store(settings_for(cut_world.redis.url), listen=False)
    proxy.cut_after(_calls("issue_tokens"))
    proxy.refuse()
    request = asyncio.ensure_future(cut_world.token(grant_type="password", username="alice", password="wonderland"))
    while not proxy.cuts["after"]:
        await asyncio.sleep(0.001)
    grant_ids = [key[4:26].decode() for key in cut_world.redis.dump() if key.endswith(b"}") and b"user:" not in key]
    for grant_id in grant_ids:
        assert await other.grants.revoke(grant_id)
    proxy.heal()
    response = await request
    assert await error_of(response) == (400, "invalid_grant")
    assert not await _living_grants(cut_world)
    await other.close()


# P7: Redis away, hanging, full


@impatient
async def test_redis_gone_is_503_everywhere_and_recovers_by_itself(cut_world: World, proxy: CuttingProxy) -> None:
    client = await cut_world.client()
    tokens = await cut_world.tokens(client)
    code = await cut_world.code(client)
    proxy.refuse()
    proxy.drop()
    for response in (
        await cut_world.token(grant_type="client_credentials"),
        await cut_world.redeem(code),
        await cut_world.refresh(tokens["refresh_token"]),
        await cut_world.post("/introspect", {"token": tokens["access_token"]}),
        await cut_world.revoke(tokens["access_token"]),
    ):
        assert await error_of(response) == (503, "temporarily_unavailable")
        assert int(response.headers["Retry-After"]) >= 1
    assert (await cut_world.http.get("/readyz")).status == 503
    assert (await cut_world.http.get("/livez")).status == 200
    proxy.heal()

    async def is_ready() -> bool:
        return (await cut_world.http.get("/readyz")).status == 200

    await until(is_ready)
    assert (await cut_world.redeem(code)).status == 200
    assert (await cut_world.refresh(tokens["refresh_token"])).status == 200


@impatient
async def test_redis_that_hangs_is_503_not_a_hang(cut_world: World, proxy: CuttingProxy) -> None:
    await cut_world.client()
    assert (await cut_world.token(grant_type="client_credentials")).status == 200
    proxy.hang()
    async with asyncio.timeout(PATIENCE):  # a hang, not a verdict on speed
        responses = await asyncio.gather(*(cut_world.token(grant_type="client_credentials") for _ in range(50)))
    assert {await error_of(response) for response in responses} == {(503, "temporarily_unavailable")}
    proxy.heal()
    assert (await cut_world.token(grant_type="client_credentials")).status == 200


async def test_many_requests_in_flight_when_the_connection_drops_all_succeed(
    cut_world: World, proxy: CuttingProxy
) -> None:
    client = await cut_world.client()
    codes = [await cut_world.code(client) for _ in range(50)]
    proxy.cut_after(_calls("redeem_code"))
    responses = await asyncio.gather(*(cut_world.redeem(code) for code in codes))
    assert [response.status for response in responses] == [200] * 50
    assert sum(proxy.cuts.values()) == 1


async def test_redis_full_refuses_writes_and_goes_on_reading() -> None:
    """WM-28, WM-29: a defined behaviour at the memory limit; revocation frees memory and goes on too."""
    with redis_shapes.standalone() as shape:
        async with (
            open_issuer(settings_for(shape.url)) as issuer,
            in_process(issuer) as http,
        ):
            world = World(issuer, http, shape)
            client = await world.client()
            tokens = await world.tokens(client)
            alone = (await (await world.token(grant_type="client_credentials")).json())["access_token"]
            shape.nodes[0].admin.config_set("maxmemory", "1mb")
            for response in (
                await world.token(grant_type="client_credentials"),
                await world.refresh(tokens["refresh_token"]),
            ):
                assert await error_of(response) == (503, "temporarily_unavailable")
            assert await world.is_active(tokens["access_token"])
            assert await world.is_active(alone)
            assert (await world.revoke(alone)).status == 200
            assert not await world.is_active(alone)
            assert (await world.revoke(tokens["refresh_token"])).status == 200
            assert not await world.is_active(tokens["access_token"])
            shape.nodes[0].admin.config_set("maxmemory", "0")
            assert (await world.token(grant_type="client_credentials")).status == 200


async def test_a_link_that_is_closed_while_it_is_made_is_no_end_of_a_request(
    cut_world: World, proxy: CuttingProxy
) -> None:
    """What was found out about the primary meanwhile makes requests try again, it does not cancel them."""
    await cut_world.client()
    proxy.hang()
    proxy.drop()
    node = cut_world.issuer.store.connection._node
    node.close("as a failover would")
    waiting = [asyncio.ensure_future(cut_world.token(grant_type="client_credentials")) for _ in range(5)]
    await asyncio.sleep(0.1)
    node.close("and once more, while the connection is being made")
    proxy.heal()
    proxy.drop()
    assert {(await request).status for request in waiting} <= {200, 503}
    assert (await cut_world.token(grant_type="client_credentials")).status == 200


# batches


async def test_requests_of_one_moment_share_a_pipeline(cut_world: World, proxy: CuttingProxy) -> None:
    await cut_world.client()
    await cut_world.token(grant_type="client_credentials")
    store = cut_world.issuer.store.connection
    before = proxy.round_trips
    await asyncio.gather(*(store.execute("mm:x", "GET", "mm:x") for _ in range(100)))
    assert proxy.round_trips == before + 1


async def test_an_error_of_one_command_is_that_command_s_alone(world: World) -> None:
    store = world.issuer.store.connection
    await store.execute("mm:s", "SET", "mm:s", "text")
    results = await asyncio.gather(
        store.execute("mm:s", "GET", "mm:s"),
        store.execute("mm:s", "LPUSH", "mm:s", "x"),
        store.execute("mm:s", "STRLEN", "mm:s"),
        return_exceptions=True,
    )
    assert results[0] == b"text"
    assert isinstance(results[1], StoreError)
    assert results[2] == 4


async def test_a_caller_that_gives_up_does_not_confuse_the_others(world: World) -> None:
    store = world.issuer.store.connection
    tasks = [asyncio.ensure_future(store.execute("mm:n", "ECHO", str(number))) for number in range(100)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    assert [await task for task in tasks[1::2]] == [str(number).encode() for number in range(1, 100, 2)]


def test_the_kind_of_an_error_is_found_inside_what_a_script_met() -> None:
    assert kind_of(Exception("OOM command not allowed")) == "OOM"
    wrapped = "ERR Error running script (call to f_0): @user_script:9: @user_script: 9: -READONLY You can't write"
    assert kind_of(Exception(wrapped)) == "READONLY"


async def test_what_is_deleted_soon_is_gone_for_whoever_asks_next(any_world: World) -> None:
    """One command for all of it, where keys of different slots may be in one."""
    connection = any_world.issuer.store.connection
    names = [f"mm:{{probe:{number}}}" for number in range(5)]
    await connection.execute_all([(name, ("SET", name, "")) for name in names])
    admins = [node.admin for node in any_world.redis.primaries()]
    before = sum(map(_deletions, admins))
    for name in names:
        connection.delete_soon(name)
    assert await connection.execute_all([(name, ("EXISTS", name)) for name in names]) == [0] * 5
    assert sum(map(_deletions, admins)) - before == (1 if connection.crosses_slots else 5)


async def test_what_is_deleted_soon_goes_also_where_nothing_follows(world: World) -> None:
    admin = world.redis.nodes[0].admin
    admin.mset({"mm:{probe:1}": "", "mm:{probe:2}": ""})
    for number in (1, 2):
        world.issuer.store.connection.delete_soon(f"mm:{{probe:{number}}}")

    async def are_gone() -> bool:
        return not admin.exists("mm:{probe:1}", "mm:{probe:2}")

    await until(are_gone)


async def test_a_command_may_linger_for_longer_than_the_timeout(
    redis: redis_shapes.Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timeout counts from when it is sent, whether or not a reply was due when it was issued."""
    monkeypatch.setattr("service.redis.link.LINGER", 1.5)
    async with open_issuer(settings_for(redis.url, redis_timeout=0.7), listen=False) as issuer:
        connection = issuer.store.connection
        (link,) = await connection.links()
        for count in ("1", "2"):
            due = link.send(("PING",))
            await asyncio.sleep(0)
            connection.execute_soon("mm:n", ("INCR", "mm:n"), lingers=True)
            assert await due == b"PONG"

            async def has_arrived(expected: bytes = count.encode()) -> bool:
                return bool(redis.nodes[0].admin.get("mm:n") == expected)

            await until(has_arrived)
        assert link.lost is None


def _deletions(admin: Redis) -> int:
    return int(admin.info("commandstats").get("cmdstat_del", {}).get("calls", 0))


async def _living_grants(world: World) -> list[str]:
    return [listed.grant_id for listed in (await world.issuer.store.grants.list_of_user("alice")).grants]


def _calls(name: str) -> Callable[[list[bytes]], bool]:
    """Whether a command calls this script, alone or joined with another."""
    called = [one for one in TEXTS if name in one.name.split("+")]
    shas = {sha.encode() for one in called for sha in (one.sha, one.plain_sha)}
    return lambda command: command[0] == b"EVALSHA" and command[1] in shas
