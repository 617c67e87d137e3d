"""Redis in the middle of a change: a primary that was replaced and does not know it, slots on the move, black holes."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import hiredis
import pytest
from redis.crc import key_slot

from service.admin import everything
from service.app import make_issuer, open_issuer
from service.issuer import Issuer
from service.protocol.credentials import parse
from service.protocol.errors import TemporarilyUnavailable
from service.redis.errors import LinkLostError
from service.settings.redis_url import ServerAddress
from service.store.keys import Keys
from service.store.store import make_store
from tests import redis_groups, redis_shapes
from tests.patience import PATIENCE, until
from tests.world import World, error_of, in_process, settings_for

SHORT = 1.5


class FakeSentinel:
    """Names ``primary`` to whoever asks."""

    def __init__(self, primary: redis_shapes.Node | ServerAddress) -> None:
        self.primary = primary
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FakeSentinel"]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands = hiredis.Reader()
        while data := await reader.read(4096):
            commands.feed(data)
            while command := commands.gets():
                named = [self.primary.host, str(self.primary.port)]
                words = named if command[0] == b"SENTINEL" else ["version", "7.0.0"]
                lines = [f"*{len(words)}", *(line for word in words for line in (f"${len(word)}", word)), ""]
                writer.write("\r\n".join(lines).encode())
        writer.close()


async def test_a_primary_that_was_replaced_is_left_even_if_it_still_answers(redis: redis_shapes.Shape) -> None:
    """P1: cut off from its Sentinels it goes on taking commands; a code could be redeemed there and at its successor."""
    with redis_shapes.standalone() as successor:
        async with FakeSentinel(redis.nodes[0]).running() as sentinel:
            settings = settings_for(f"redis+sentinel://127.0.0.1:{sentinel.port}/main")
            async with open_issuer(settings) as issuer:
                place = "where"
                redis.nodes[0].admin.set(place, "old")
                successor.nodes[0].admin.set(place, "new")
                assert await issuer.store.connection.execute(place, "GET", place) == b"old"
                sentinel.primary = successor.nodes[0]
                async with asyncio.timeout(PATIENCE):
                    while await issuer.store.connection.execute(place, "GET", place) != b"new":
                        await asyncio.sleep(0.02)


async def test_what_replicas_confirm_leaves_a_replaced_primary_too() -> None:
    """P1: redemptions, rotations and revocations go over a link of their own where ``redis_wait_replicas`` is set."""
    with redis_groups.pair() as former, redis_groups.pair() as successor:
        async with FakeSentinel(former.nodes[0]).running() as sentinel:
            settings = settings_for(f"redis+sentinel://127.0.0.1:{sentinel.port}/main", redis_wait_replicas=1)
            place = "where"
            former.nodes[0].admin.set(place, "old")
            successor.nodes[0].admin.set(place, "new")
            async with open_issuer(settings) as issuer:
                connection = issuer.store.connection
                assert await connection.execute_confirmed(place, "GET", place) == b"old"
                sentinel.primary = successor.nodes[0]
                former.kill(former.nodes[1])  # where it lives on without replicas it is left no later

                async def has_left() -> bool:
                    with contextlib.suppress(TemporarilyUnavailable):
                        return bool(await connection.execute_confirmed(place, "GET", place) == b"new")
                    return False

                await until(has_left)


async def test_each_link_is_checked_as_sentinels_may_have_named_another_primary_to_it() -> None:
    with redis_groups.pair() as former, redis_groups.pair() as successor:
        async with FakeSentinel(successor.nodes[0]).running() as sentinel:
            settings = settings_for(f"redis+sentinel://127.0.0.1:{sentinel.port}/main", redis_wait_replicas=1)
            async with open_issuer(settings, listen=False) as issuer:
                connection = issuer.store.connection
                sentinel.primary = former.nodes[0]
                await connection.execute_confirmed("where", "GET", "where")
                sentinel.primary = successor.nodes[0]
                listening_to = ServerAddress(successor.nodes[0].host, successor.nodes[0].port)
                with pytest.raises(LinkLostError, match=f"{former.nodes[0].port} is no longer the primary"):
                    await connection.check_primary(listening_to)
                connection.doubt_primary()
                await connection.execute_confirmed("where", "GET", "where")
                await connection.check_primary(listening_to)


@pytest.mark.parametrize("other", ["silent", "cut off"])
async def test_one_sentinel_does_not_keep_us_at_a_replaced_primary(redis: redis_shapes.Shape, other: str) -> None:
    """The first of three hangs, or is cut off together with the former primary, and goes on naming that."""
    hole = await asyncio.start_server(_silent, "127.0.0.1", 0)
    former, successor = redis.nodes[0], ServerAddress("127.0.0.1", 1)
    async with (
        FakeSentinel(former).running() as first,
        FakeSentinel(former).running() as second,
        FakeSentinel(former).running() as third,
    ):
        hosts = [first.port, second.port, third.port]
        if other == "silent":
            hosts[0] = hole.sockets[0].getsockname()[1]
        url = f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in hosts)}/main"
        async with open_issuer(settings_for(url, redis_connect_timeout=PATIENCE), listen=False) as issuer:
            connection = issuer.store.connection
            listening_to = ServerAddress(former.host, former.port)
            await connection.check_primary(listening_to)
            second.primary = third.primary = successor
            with pytest.raises(LinkLostError, match="the Sentinels name"):
                async with asyncio.timeout(PATIENCE / 2):
                    await connection.check_primary(listening_to)
    hole.close()


async def test_a_slot_may_move_to_a_server_that_does_not_know_our_scripts(cluster_shape: redis_shapes.Shape) -> None:
    """That is how a Cluster grows: ASK leads to a new server, which has to be given the script with the command."""
    cluster_shape.heal()
    cluster_shape.flush()
    async with (
        open_issuer(settings_for(cluster_shape.url)) as issuer,
        in_process(issuer) as http,
    ):
        world = World(issuer, http, cluster_shape)
        token = (await world.tokens(await world.client()))["access_token"]
        credential = parse(token)
        assert credential
        place = Keys().grant(credential.grant_id)
        here = next(node for node in cluster_shape.primaries() if node.admin.keys(place))
        there = next(node for node in cluster_shape.primaries() if node is not here)
        with Moving(place, here, there):
            there.admin.script_flush()
            assert await world.is_active(token)


@pytest.mark.parametrize("preferred", ["unknown-endpoint", "hostname"])
async def test_a_redirection_without_a_host_leads_to_the_host_that_was_asked(
    cluster_shape: redis_shapes.Shape, preferred: str
) -> None:
    """``ASK 3999 :6381``, and ``ASK 3999 ?:6381`` where hostnames are preferred and there is none."""
    cluster_shape.heal()
    cluster_shape.flush()
    place, other_host = "where", "127.0.0.2"
    for node in cluster_shape.nodes:
        node.admin.config_set("bind", f"{node.host} {other_host}")
        node.admin.config_set("cluster-preferred-endpoint-type", preferred)
    try:
        store = make_store(settings_for(f"redis+cluster://{other_host}:{cluster_shape.nodes[0].port}"))
        connection = store.connection
        await connection.execute(place, "SET", place, "here")
        here = next(node for node in cluster_shape.primaries() if node.admin.keys(place))
        there = next(node for node in cluster_shape.primaries() if node is not here)
        with Moving(place, here, there):
            assert await connection.execute(place, "GET", place) == b"here"
        hosts = {link.endpoint.host for link in await connection.links()}
        assert "" not in {endpoint.host for endpoint in connection._nodes}  # type: ignore[attr-defined]
        assert hosts == {other_host if preferred == "unknown-endpoint" else here.host}
        await store.close()
    finally:
        for node in cluster_shape.nodes:
            node.admin.config_set("cluster-preferred-endpoint-type", "ip")
            node.admin.config_set("bind", node.host)


async def test_a_primary_that_no_command_went_to_may_be_replaced(cluster_shape: redis_shapes.Shape) -> None:
    """/readyz asks every primary, and stayed 503 for want of a command that would have told us of the successor."""
    cluster_shape.heal()
    async with open_issuer(settings_for(cluster_shape.url), listen=False) as issuer, in_process(issuer) as http:

        async def is_ready() -> bool:
            return (await http.get("/readyz")).status == 200

        assert await is_ready()
        cluster_shape.kill(cluster_shape.primaries()[0])
        try:
            await until(is_ready)
        finally:
            cluster_shape.heal()


async def test_nothing_is_missed_on_a_primary_that_is_new(cluster_shape: redis_shapes.Shape) -> None:
    """A Cluster grows while nobody asks this process for what moves: lists and scans look there all the same."""
    cluster_shape.heal()
    cluster_shape.flush()
    async with open_issuer(settings_for(cluster_shape.url), listen=False) as issuer, in_process(issuer) as http:
        world = World(issuer, http, cluster_shape)
        token = (await world.tokens(await world.client()))["refresh_token"]
        old = cluster_shape.primaries()[0]
        replica = next(node for node in cluster_shape.nodes if _replicates(node, old))
        before = await issuer.store.endings.primaries()
        replica.admin.execute_command("CLUSTER FAILOVER")  # every slot of the old one is at one that was no primary
        await until(lambda: _has_taken_over(replica, old))
        cluster_shape.heal()  # waits until all servers know
        assert await issuer.store.endings.primaries() != before
        assert await _listed(issuer) == ["app"]
        assert (await everything.end_everything(issuer)).clients == 1
        assert await error_of(await world.refresh(token)) == (400, "invalid_grant")


async def test_a_server_is_not_listened_to_once_it_is_no_primary(cluster_shape: redis_shapes.Shape) -> None:
    """It may have left the Cluster: ``redis-cli --cluster del-node`` lets it run on, alone, where nothing is published."""
    cluster_shape.heal()
    async with open_issuer(settings_for(cluster_shape.url)) as issuer:

        def listened_to() -> list[redis_shapes.Node]:
            channel = issuer.store.keys.changes
            return [node for node in cluster_shape.nodes if node.admin.pubsub_numsub(channel)[0][1]]

        async def is_listening() -> bool:
            return bool(listened_to())

        async def has_moved() -> bool:
            with contextlib.suppress(TemporarilyUnavailable):
                await issuer.store.ping()
            return old not in listened_to()

        await until(is_listening)
        (old,) = listened_to()
        replica = next(node for node in cluster_shape.nodes if _replicates(node, old))
        replica.admin.execute_command("CLUSTER FAILOVER")
        await until(lambda: _has_taken_over(replica, old))
        await until(has_moved)
        await until(is_listening)


async def _listed(issuer: Issuer) -> list[str]:
    page, cursor = await issuer.store.clients.list_page("")
    found = [*page]
    while cursor:
        page, cursor = await issuer.store.clients.list_page(cursor)
        found += page
    return [client.client_id for client in found]


async def _has_taken_over(replica: redis_shapes.Node, old: redis_shapes.Node) -> bool:
    return replica.is_primary() and not old.is_primary()


def _replicates(node: redis_shapes.Node, primary: redis_shapes.Node) -> bool:
    role = node.admin.execute_command("ROLE")
    return bool(role[0] == b"slave" and role[2] == primary.port)


class Moving:
    """Every key of a slot is at its new place, but the slot still belongs to the old one; then all is as it was."""

    def __init__(self, key: str, here: redis_shapes.Node, there: redis_shapes.Node) -> None:
        self._slot, self._here, self._there = key_slot(key.encode()), here, there

    def __enter__(self) -> None:
        self._set(self._there, "IMPORTING", _id(self._here))
        self._set(self._here, "MIGRATING", _id(self._there))
        self._migrate(self._here, self._there)

    def __exit__(self, *_: object) -> None:
        self._there.admin.flushall()
        for node in (self._there, self._here):
            self._set(node, "STABLE")

    def _set(self, node: redis_shapes.Node, *words: str) -> None:
        node.admin.execute_command("CLUSTER SETSLOT", self._slot, *words)

    def _migrate(self, source: redis_shapes.Node, target: redis_shapes.Node) -> None:
        for key in source.admin.execute_command("CLUSTER GETKEYSINSLOT", self._slot, 100):
            source.admin.execute_command("MIGRATE", target.host, target.port, key, 0, 1000)


def _id(node: redis_shapes.Node) -> str:
    return str(node.admin.execute_command("CLUSTER MYID").decode())


@pytest.mark.parametrize("url", ["redis+sentinel://{}/main", "redis+cluster://{}", "redis://{}"])
async def test_readiness_says_no_within_the_timeout_where_nobody_answers(url: str) -> None:
    """Servers that take connections and then say nothing: each costs a timeout, all together no more than one."""
    holes = [await asyncio.start_server(_silent, "127.0.0.1", 0) for _ in range(3)]
    hosts = [f"127.0.0.1:{hole.sockets[0].getsockname()[1]}" for hole in holes]
    settings = settings_for(
        url.format(",".join(hosts) if "+" in url else hosts[0]), redis_timeout=SHORT, redis_connect_timeout=SHORT
    )
    store = make_store(settings)
    async with in_process(make_issuer(settings, store)) as http:
        started = time.monotonic()
        assert (await http.get("/readyz")).status == 503
        assert time.monotonic() - started < 3 * SHORT
    await store.close()
    for hole in holes:
        hole.close()


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_clocks_that_differ_are_warned_about(
    redis: redis_shapes.Shape, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = time.time
    monkeypatch.setattr("service.store.store.time.time", lambda: now() - 120)
    async with open_issuer(settings_for(redis.url), listen=False):
        pass
    (warning,) = [record for record in caplog.records if record.getMessage() == "clocks_differ"]
    assert abs(warning.redis_is_ahead_by_seconds - 120) <= 1  # type: ignore[attr-defined]
