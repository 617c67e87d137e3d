"""Metrics: what is counted, and that nobody from outside can invent a label."""

import asyncio
import platform
import time

import pytest

from service import __version__
from service.app import make_issuer, open_issuer
from service.crypto.client_keys import KeySource
from service.grants import GRANT_TYPES
from service.observe.events import SECURITY_EVENTS, Event
from service.observe.loop_lag import EVERY, keep_measuring
from service.observe.metrics import REDIS_ERRORS, Metrics
from service.observe.redis_watch import RedisWatch
from service.protocol.errors import TemporarilyUnavailable
from service.redis.errors import StoreError
from service.store.store import make_store
from tests.cutting_proxy import CuttingProxy
from tests.observe.exposition import counts
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import World, private_jwk, settings_for


def _counted(metrics: Metrics, family: str) -> dict[tuple[str, ...], float]:
    """Label values → count."""
    return counts(metrics, family + "_total")


@pytest.mark.parametrize(
    ("form", "labels"),
    [
        pytest.param({"grant_type": "client_credentials"}, ("client_credentials", "ok"), id="a success"),
        pytest.param(
            {"grant_type": "refresh_token", "refresh_token": "x"}, ("refresh_token", "invalid_grant"), id="refused"
        ),
        pytest.param({"grant_type": "authorization_code"}, ("authorization_code", "invalid_request"), id="incomplete"),
        pytest.param({"grant_type": "x" * 1000}, ("unknown", "unsupported_grant_type"), id="an unknown grant type"),
        pytest.param(
            {"grant_type": 'a"} 1\nevil 2'}, ("unknown", "unsupported_grant_type"), id="an attack on the format"
        ),
    ],
)
async def test_token_requests_are_counted_by_grant_type_and_outcome(
    world: World, form: dict[str, str], labels: tuple[str, str]
) -> None:
    await world.client()
    for _ in range(2):
        await world.post("/token", form)
    assert _counted(world.issuer.metrics, "mintmark_token_requests") == {labels: 2.0}


async def test_made_up_names_make_no_labels(world: World) -> None:
    """Every label would cost memory for ever."""
    await world.client()
    for number in range(20):
        await world.token(grant_type=f"made-up-{number}")
        await world.token(f"ghost-{number}", grant_type=f"made-up-{number}")
    counted = _counted(world.issuer.metrics, "mintmark_token_requests")
    assert counted == {("unknown", "unsupported_grant_type"): 20.0, ("unknown", "invalid_client"): 20.0}


async def test_introspection_and_revocation_are_counted_by_outcome(world: World) -> None:
    client = await world.client()
    await world.client("thief")
    tokens = await world.tokens(client)
    await world.introspect(tokens["access_token"])
    await world.introspect("x")
    await world.revoke(tokens["access_token"], "thief")
    await world.revoke(tokens["access_token"])
    await world.revoke("x")
    assert _counted(world.issuer.metrics, "mintmark_requests") == {
        ("introspect", "active"): 1.0,
        ("introspect", "inactive"): 1.0,
        ("revoke", "foreign"): 1.0,
        ("revoke", "revoked"): 1.0,
        ("revoke", "unknown"): 1.0,
    }


def test_security_events_are_there_from_the_start() -> None:
    """A series that appears with its first event cannot be alerted on."""
    metrics = Metrics()
    assert _counted(metrics, "mintmark_security_events") == {(event,): 0.0 for event in SECURITY_EVENTS}
    metrics.security_event(Event.CODE_REPLAYED)
    assert _counted(metrics, "mintmark_security_events")["code_replayed",] == 1.0


def test_two_services_in_one_process_count_for_themselves() -> None:
    one, other = Metrics(), Metrics()
    one.token_request(next(iter(GRANT_TYPES)), "ok")
    assert _counted(one, "mintmark_token_requests")
    assert not _counted(other, "mintmark_token_requests")


async def test_every_refusal_is_counted_by_endpoint_error_and_reason(world: World) -> None:
    await world.client()
    await world.http.get("/token")
    await world.post("/introspect", {})
    await world.post("/revoke", {"token": "x"}, "ghost")
    assert _counted(world.issuer.metrics, "mintmark_refusals") == {
        ("token", "invalid_request", "method_not_allowed"): 1.0,
        ("introspect", "invalid_request", "parameter_missing"): 1.0,
        ("revoke", "invalid_client", "client_unknown"): 1.0,
    }


# Redis


async def test_a_batch_is_one_observation_however_many_commands_share_it(world: World) -> None:
    metrics = world.issuer.metrics
    (link,) = await world.issuer.store.connection.links()
    before, size_before = _batches(metrics)
    await asyncio.gather(*(link.send(["PING"]) for _ in range(7)))
    await link.send(["PING"])
    batches, size = _batches(metrics)
    assert (batches - before, size - size_before) == (2, 8)
    assert counts(metrics, "mintmark_redis_batch_duration_seconds_count") == {(): batches}


def _batches(metrics: Metrics) -> tuple[float, float]:
    found = (counts(metrics, f"mintmark_redis_batch_commands_{what}") for what in ("count", "sum"))
    batches, commands = (one[()] for one in found)
    return batches, commands


async def test_a_reply_in_pieces_ends_its_batch_once(world: World) -> None:
    """Replies come in order, but not always as many at a time as commands were sent."""
    metrics = world.issuer.metrics
    (link,) = await world.issuer.store.connection.links()
    before, _ = _batches(metrics)
    first = link.send(["PING"])
    await asyncio.sleep(0)  # it has left
    await asyncio.gather(first, *(link.send(["ECHO", "x" * 300_000]) for _ in range(3)))
    await link.send(["PING"])
    assert _batches(metrics)[0] - before == 3


async def test_open_connections_are_counted_until_they_are_closed(world: World) -> None:
    async with open_issuer(world.issuer.settings, listen=False) as issuer:
        assert counts(issuer.metrics, "mintmark_redis_connections") == {(): 1.0}
        (link,) = await issuer.store.connection.links()
        link.close("on purpose")
        assert counts(issuer.metrics, "mintmark_redis_connections") == {(): 0.0}
        await issuer.store.ping()
        assert counts(issuer.metrics, "mintmark_redis_connections") == {(): 1.0}
    assert counts(issuer.metrics, "mintmark_redis_connections") == {(): 0.0}
    assert _errors(issuer.metrics) == {}
    assert counts(issuer.metrics, "mintmark_redis_connections_opened_total") == {(): 2.0}


def _errors(metrics: Metrics) -> dict[str, float]:
    return {kind: count for (kind,), count in counts(metrics, "mintmark_redis_errors_total").items() if count}


def test_errors_of_redis_are_there_from_the_start() -> None:
    assert set(counts(Metrics(), "mintmark_redis_errors_total")) == {(kind,) for kind in REDIS_ERRORS}


@pytest.mark.usefixtures("world")
async def test_what_goes_wrong_with_redis_is_counted_by_kind(proxy: CuttingProxy) -> None:
    """P7, as an operator sees it."""
    async with open_issuer(settings_for(proxy.url), listen=False) as issuer:
        connection = issuer.store.connection
        proxy.shorten(connection.address)
        await connection.execute("x", "SET", "x", "1")
        proxy.cut_before("GET")
        assert await connection.execute("x", "GET", "x") == b"1"
        assert _errors(issuer.metrics) == {"lost": 1.0}
        with pytest.raises(StoreError):
            await connection.execute("x", "LPUSH", "x", "1")
        assert _errors(issuer.metrics) == {"lost": 1.0, "fault": 1.0}
        proxy.cut_before("GET", times=1000)
        with pytest.raises(TemporarilyUnavailable):
            await connection.execute("x", "GET", "x")
        assert _errors(issuer.metrics)["timeout"] == 1.0


async def test_a_full_redis_is_counted_as_refusing(world: World) -> None:
    connection, node = world.issuer.store.connection, world.redis.nodes[0]
    node.admin.config_set("maxmemory", 1)
    try:
        with pytest.raises(TemporarilyUnavailable):
            await connection.execute("x", "SET", "x", "1")
    finally:
        node.admin.config_set("maxmemory", 0)
    assert _errors(world.issuer.metrics) == {"refused": 1.0}


async def test_a_redis_that_cannot_be_reached_is_counted(redis: Shape) -> None:
    settings = settings_for(redis.url)
    async with open_issuer(settings, listen=False) as issuer:
        store = make_store(
            settings_for(f"redis://127.0.0.1:{free_port()}", redis_timeout=0.1), RedisWatch(issuer.metrics)
        )
        with pytest.raises(TemporarilyUnavailable):
            await store.connection.execute("x", "GET", "x")
        await store.close()
        found = _errors(issuer.metrics)
        assert found["timeout"] == 1.0
        assert found["connect"] >= 1.0
        assert "lost" not in found


# caches, keys, the process


async def test_hits_and_misses_of_the_cache_of_clients(world: World) -> None:
    await world.client()
    for _ in range(5):
        await world.token(grant_type="client_credentials")
    assert counts(world.issuer.metrics, "mintmark_cache_hits_total")["clients",] == 4.0
    assert counts(world.issuer.metrics, "mintmark_cache_misses_total")["clients",] == 1.0


async def test_hits_and_misses_of_the_cache_of_clients_keys(world: World) -> None:
    source = KeySource("app", {"keys": [_jwk()]})
    for _ in range(3):
        await world.issuer.client_keys.keys(source, kid=None, algorithm="ES256")
    assert counts(world.issuer.metrics, "mintmark_cache_hits_total")["client_keys",] == 2.0
    assert counts(world.issuer.metrics, "mintmark_cache_misses_total")["client_keys",] == 1.0


def _jwk() -> dict[str, str]:
    return {name: value for name, value in private_jwk("ES256").items() if name != "d"}


async def test_the_age_of_keys_and_the_next_rotation(redis: Shape) -> None:
    settings = settings_for(redis.url, master_key="m" * 32, signing_algorithms=("ES256",), signing_key_lifetime=86400)
    now = [time.time()]
    store = make_store(settings)
    issuer = make_issuer(settings, store, clock=lambda: now[0])
    assert issuer.keyring is not None
    try:
        await issuer.keyring.open()
        now[0] += 3600
        ((name, figures),) = _keys(issuer.metrics).items()
        assert name == "ES256"
        assert list(figures) == pytest.approx([3600, 82800], abs=2)
        (new,) = await issuer.keyring.signing.rotate(issuer.keyring.algorithms)
        assert _keys(issuer.metrics)["ES256"][1] == pytest.approx(new.signs_from - now[0], abs=2)
        now[0] = new.signs_from + 10
        ((name, figures),) = _keys(issuer.metrics).items()
        assert name == "ES256"
        assert list(figures) == pytest.approx([10, 86390], abs=2)
        now[0] += 86400
        assert _keys(issuer.metrics)["ES256"][1] < 0, "late: nobody has looked"
    finally:
        issuer.keyring.close()
        await store.close()


def _keys(metrics: Metrics) -> dict[str, tuple[float, float]]:
    age = counts(metrics, "mintmark_signing_key_age_seconds")
    until = counts(metrics, "mintmark_signing_key_next_rotation_seconds")
    return {name: (age[name,], until[name,]) for (name,) in age}


async def test_keys_of_files_have_no_age(world: World) -> None:
    """Nobody knows it, and nobody rotates them: no alert may say that they are late."""
    assert counts(world.issuer.metrics, "mintmark_signing_key_age_seconds") == {}
    assert counts(world.issuer.metrics, "mintmark_signing_key_next_rotation_seconds") == {}


async def test_an_event_loop_that_was_held_up_lags() -> None:
    metrics = Metrics()
    measuring = asyncio.ensure_future(keep_measuring(metrics))
    await asyncio.sleep(0)
    time.sleep(EVERY + 0.3)  # noqa: ASYNC251 this is what must be seen
    while not counts(metrics, "mintmark_event_loop_lag_seconds_count")[()]:
        await asyncio.sleep(0.01)
    measuring.cancel()
    assert counts(metrics, "mintmark_event_loop_lag_seconds_sum")[()] >= 0.29


def test_what_runs_here() -> None:
    assert counts(Metrics(), "mintmark_build_info") == {(platform.python_version(), __version__): 1.0}
