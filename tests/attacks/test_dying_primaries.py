"""A primary dies right after it answered: what was acknowledged must not be undone by whoever takes over (P1, P2, P6)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse

from service.app import open_issuer
from service.protocol.errors import InvalidClient, TemporarilyUnavailable
from service.store.replay_checks import Use
from service.store.store import open_store
from tests import redis_groups, redis_shapes
from tests.slow_proxy import SlowProxy
from tests.world import World, error_of, in_process, settings_for

pytestmark = pytest.mark.slow

AT_ONCE = 6
LATE = 0.01
"""Seconds after which the replica hears of something."""


@pytest.fixture(scope="module")
def whole_pair() -> Iterator[redis_groups.Pair]:
    with redis_groups.pair() as shape:
        yield shape


@pytest.fixture
def pair(whole_pair: redis_groups.Pair) -> redis_groups.Pair:
    """A primary and a replica in sync, empty."""
    living = next((node for node in whole_pair.nodes if node.is_primary()), whole_pair.nodes[0])
    if not living.alive:
        whole_pair.restart(living)
    whole_pair.attach(whole_pair.other(living), living)
    living.admin.flushall()
    return whole_pair


@asynccontextmanager
async def on(pair: redis_groups.Pair, node: redis_shapes.Node, **settings: Any) -> AsyncIterator[World]:
    """A service on one of the two."""
    async with (
        open_issuer(settings_for(pair.url_of(node), **settings), listen=False) as issuer,
        in_process(issuer) as http,
    ):
        yield World(issuer, http, pair)


def fail_over(pair: redis_groups.Pair, dead: redis_shapes.Node) -> redis_shapes.Node:
    """Kill a primary and let the other one take over."""
    pair.kill(dead)
    survivor = pair.other(dead)
    pair.promote(survivor)
    return survivor


@pytest.mark.parametrize("waits", [0, 1])
async def test_what_no_replica_has_is_acknowledged_only_where_nobody_asked_to_wait(
    pair: redis_groups.Pair, waits: int
) -> None:
    """The danger, and its remedy: a replica that is cut off takes over, and knows nothing of the redemption."""
    primary = pair.primary()
    async with on(pair, primary, redis_wait_replicas=waits, redis_timeout=1) as world:
        client = await world.client()
        code = await world.code(client)
        pair.promote(pair.other(primary))  # cut off: from here on it hears nothing
        response = await world.redeem(code)
        if waits:
            assert await error_of(response) == (503, "temporarily_unavailable")
            assert response.headers["Retry-After"]
        else:
            assert response.status == 200
    async with on(pair, fail_over(pair, primary)) as world:
        assert (await world.redeem(code)).status == 200, "whoever waits has not been told that it was redeemed before"


@pytest.mark.parametrize("hundred", [1, 2])
async def test_of_200_primaries_that_die_not_one_takes_an_acknowledged_redemption_with_it(
    pair: redis_groups.Pair, hundred: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1 with redis_wait_replicas=1: codes are being redeemed when the primary dies; none buys other tokens once more. Who
    comes again with the same request may get the same answer: the dead primary did not tell its replica that it was delivered.
    """
    monkeypatch.setattr("service.tokens.redeemed_once.MOMENT", 0.02)  # a repeat waits for it, two hundred times
    acknowledged, twice = await _deaths(pair, 100, waits=1)
    assert (acknowledged >= 100, twice) == (True, 0), f"in hundred {hundred}"


async def test_without_waiting_a_primary_that_dies_takes_acknowledged_redemptions_with_it(
    pair: redis_groups.Pair,
) -> None:
    """That the test above can fail: it is the waiting that keeps them."""
    acknowledged, twice = await _deaths(pair, 5, waits=0)
    assert acknowledged > 0
    assert twice > 0


async def _deaths(pair: redis_groups.Pair, count: int, waits: int) -> tuple[int, int]:
    """Kill the primary so often while codes are redeemed, with a replica that hears of everything milliseconds late; how many
    redemptions were acknowledged, and for how many of those codes the survivor gave other tokens.
    """
    acknowledged, twice, primary = 0, 0, pair.primary()
    for death in range(count):
        with SlowProxy(primary.host, primary.port, LATE) as late:
            pair.attach(pair.other(primary), primary, late.port)
            async with on(pair, primary, redis_wait_replicas=waits) as world:
                client = await world.client() if death == 0 else await world.issuer.store.clients.read("app")
                assert client is not None
                codes = [await world.code(client) for _ in range(AT_ONCE)]
                await asyncio.sleep(2 * LATE)
                object.__setattr__(
                    world.issuer.store.connection.address, "timeout", 0.4
                )  # no longer for a dead primary
                under_way = [asyncio.ensure_future(world.redeem(code)) for code in codes]
                await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                survivor = fail_over(pair, primary)
                answers = [await answer for answer in under_way]
                statuses = [answer.status for answer in answers]
                bought = [await answer.read() for answer in answers]
        assert set(statuses) <= {200, 503}
        acknowledged += statuses.count(200)
        async with on(pair, survivor) as world:
            told = [
                (code, content) for code, status, content in zip(codes, statuses, bought, strict=True) if status == 200
            ]
            for again, content in await asyncio.gather(*(_again(world, *one) for one in told)):
                twice += again.status == 200 and await again.read() != content
        pair.restart(primary)
        primary = survivor
    return acknowledged, twice


async def _again(world: World, code: str, content: bytes) -> tuple[ClientResponse, bytes]:
    return await world.redeem(code), content


async def test_a_rotation_and_its_repeated_answer_are_with_a_replica_before_they_are_told(
    pair: redis_groups.Pair,
) -> None:
    """P2: neither the first answer nor the same one again says what the one that takes over would not know."""
    primary = pair.primary()
    async with on(pair, primary, redis_wait_replicas=1, redis_timeout=1) as world:
        tokens = await world.tokens(await world.client())
        refreshed = await (await world.refresh(tokens["refresh_token"])).json()
        again = await world.refresh(tokens["refresh_token"])
        assert await again.json() == refreshed
        pair.promote(pair.other(primary))
        assert await error_of(await world.refresh(refreshed["refresh_token"])) == (503, "temporarily_unavailable")
        repeated = await world.refresh(refreshed["refresh_token"])
        assert repeated.status == 503, "the answer waits, but no replica has it"
        pair.attach(pair.other(primary), primary)
        told = await world.refresh(refreshed["refresh_token"])
        assert told.status == 200
        newest = (await told.json())["refresh_token"]
    async with on(pair, fail_over(pair, primary)) as world:
        assert (await world.refresh(newest)).status == 200


@pytest.mark.parametrize("how", ["token", "user", "client", "grant", "disabled user"])
async def test_a_revocation_that_no_replica_has_is_503(pair: redis_groups.Pair, how: str) -> None:
    """P6: also when it is sent again, and finds that it was done before."""
    primary = pair.primary()
    async with on(pair, primary, redis_wait_replicas=1, redis_timeout=1) as world:
        client = await world.client()
        user = await world.user()
        tokens = await world.tokens(client)
        pair.promote(pair.other(primary))
        for _ in range(2):
            assert await _refused(world, how, tokens)
        pair.attach(pair.other(primary), primary)
        assert not await _refused(world, how, tokens)
        assert user.username == "alice"
    async with on(pair, fail_over(pair, primary)) as world:
        assert not await world.is_active(tokens["access_token"])


async def _refused(world: World, how: str, tokens: dict[str, Any]) -> bool:
    """Whether it was answered that it can't be done now."""
    if how == "token":
        return (await world.revoke(tokens["refresh_token"])).status == 503
    store = world.issuer.store
    try:
        if how == "user":
            await store.grants.revoke_user("alice")
        elif how == "grant":
            await store.grants.revoke(tokens["access_token"][6:28])
        elif how == "disabled user":
            await world.set_enabled("alice", enabled=False)
        else:
            seen = await store.clients.read("app")
            assert seen is not None
            await world.change(seen, generation=seen.generation + 1)
    except TemporarilyUnavailable:
        return True
    return False


async def test_a_first_use_that_no_replica_has_is_none_yet(pair: redis_groups.Pair) -> None:
    """Else an assertion could be used once more on the server that takes over."""
    primary = pair.primary()
    async with on(pair, primary, redis_wait_replicas=1, redis_timeout=1) as world:
        checks = world.issuer.store.replay_checks

        def use(name: str) -> Use:
            ends_at = int(world.issuer.clock()) + 60
            return Use(name, ends_at, world.issuer.randomness(16), lambda: InvalidClient("It was used before."))

        pair.promote(pair.other(primary))
        lost = checks.record(use("one"))
        for _ in range(2):
            with pytest.raises(TemporarilyUnavailable):
                await lost.is_first_use()
        pair.attach(pair.other(primary), primary)
        assert await checks.record(use("another")).is_first_use()
    async with on(pair, fail_over(pair, primary)) as world:
        assert not await world.issuer.store.replay_checks.record(use("another")).is_first_use()


async def test_while_a_replica_is_away_what_need_not_wait_does_not(pair: redis_groups.Pair) -> None:
    """Introspection and client_credentials go on as ever, redemptions are 503 within the timeout."""
    primary = pair.primary()
    async with on(pair, primary, redis_wait_replicas=1, redis_timeout=10.0) as world:
        client = await world.client()
        tokens = await world.tokens(client)
        codes = [await world.code(client) for _ in range(5)]
        pair.kill(pair.other(primary))
        redeeming = [asyncio.ensure_future(world.redeem(code)) for code in codes]
        for _ in range(20):
            assert await world.is_active(tokens["access_token"])
            assert (await world.token(grant_type="client_credentials")).status == 200
        assert not any(task.done() for task in redeeming), (
            "twenty of each need less than ten seconds' patience, or they waited for it"
        )
        assert {(await task).status for task in redeeming} == {503}


async def test_one_wait_serves_all_that_is_done_in_a_turn(pair: redis_groups.Pair) -> None:
    primary = pair.primary()
    async with on(pair, primary, redis_wait_replicas=1) as world:
        client = await world.client()
        codes = [await world.code(client) for _ in range(60)]
        before = primary.admin.info("commandstats")["cmdstat_wait"]["calls"]
        answers = await asyncio.gather(*(world.redeem(code) for code in codes))
        assert {answer.status for answer in answers} == {200}
        assert primary.admin.info("commandstats")["cmdstat_wait"]["calls"] - before < 60


async def test_a_redis_without_so_many_replicas_is_told_of_at_the_start(
    pair: redis_groups.Pair, caplog: pytest.LogCaptureFixture
) -> None:
    pair.kill(pair.other(pair.primary()))
    store = await open_store(settings_for(pair.url_of(pair.primary()), redis_wait_replicas=1), listen=False)
    await store.close()
    assert "too_few_replicas" in caplog.text
