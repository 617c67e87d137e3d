"""Background tasks: none ends in silence, and readiness says so while it matters (P7)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.app import open_issuer, start_background_tasks
from service.concurrency import background_tasks
from service.concurrency.background_tasks import BackgroundTasks
from service.crypto import keyring
from service.observe.metrics import Metrics
from service.records.logout_delivery import LogoutDelivery
from service.store.keys import Keys
from tests.patience import PATIENCE
from tests.world import World, settings_for

MASTER_KEY = "m" * 32


def value_of(metrics: Metrics, name: str, task: str) -> float:
    families = text_string_to_metric_families(metrics.exposition().decode())
    found = {
        sample.labels["task"]: sample.value
        for one in families
        for sample in one.samples
        if sample.name == f"mintmark_{name}"
    }
    return found[task]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_tasks, "FIRST_PAUSE", 0.01)


@pytest.fixture
async def tasks() -> AsyncIterator[tuple[BackgroundTasks, Metrics]]:
    metrics = Metrics()
    background = BackgroundTasks(metrics, settled_after=1.0)
    yield background, metrics
    await background.close()


@pytest.mark.parametrize(
    "error", [ValueError("once"), asyncio.CancelledError(), OSError(28, "No space left on device")]
)
async def test_a_task_that_fails_is_said_counted_and_started_again(
    tasks: tuple[BackgroundTasks, Metrics], caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    background, metrics = tasks
    failing, runs = [error] * 3, asyncio.Event()

    async def work() -> None:
        if failing:
            raise failing.pop()
        runs.set()
        await asyncio.sleep(3600)

    background.start("work", work, needed=True)
    assert not background.missing
    await until(lambda: background.missing == ("work",))
    assert value_of(metrics, "background_task_running", "work") == 0
    await runs.wait()
    assert background.missing == ("work",), "it has only just begun"
    await until(lambda: not background.missing)
    assert value_of(metrics, "background_task_failures_total", "work") == 3
    assert value_of(metrics, "background_task_running", "work") == 1
    assert [one.message for one in caplog.records if one.levelno >= logging.ERROR] == ["background_task_failed"] * 3


async def test_a_task_that_is_not_needed_leaves_readiness_alone(tasks: tuple[BackgroundTasks, Metrics]) -> None:
    background, metrics = tasks

    async def work() -> None:
        raise ValueError

    background.start("work", work)
    await until(lambda: value_of(metrics, "background_task_running", "work") == 0)
    assert not background.missing


async def test_what_returns_has_finished_and_what_is_closed_has_ended(tasks: tuple[BackgroundTasks, Metrics]) -> None:
    background, metrics = tasks
    returned, ended = asyncio.Event(), asyncio.Event()

    async def brief() -> None:
        returned.set()

    async def long() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    background.start("brief", brief, needed=True)
    background.start("long", long, needed=True)
    await returned.wait()
    await asyncio.sleep(0)  # it has finished
    assert not background.missing
    assert value_of(metrics, "background_task_running", "brief") == 1
    await background.close()
    assert ended.is_set()


async def test_a_process_that_cannot_follow_the_signing_keys_is_not_ready_until_it_can(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key of another type in Redis in the place of ours: each look is an error that no loop foresaw."""
    monkeypatch.setattr(keyring, "EVERY", 0.01)
    async with open_issuer(settings_for(world.redis.url, master_key=MASTER_KEY)) as issuer:
        background = BackgroundTasks(issuer.metrics, settled_after=0.3)
        store, place = issuer.store.connection, Keys().signing_keys()
        async with world.with_part(store=issuer.store, keyring=issuer.keyring, background=background) as alone:
            start_background_tasks(alone.issuer)
            assert (await alone.http.get("/readyz")).status == 200
            kept = await store.execute(place, "GET", place)
            await store.execute(place, "DEL", place)
            await store.execute(place, "RPUSH", place, b"not ours")
            await until(lambda: background.missing == ("signing_keys",))
            response = await alone.http.get("/readyz")
            assert response.status == 503
            assert await response.json() == {"status": "background task stopped: signing_keys"}
            assert (await alone.http.get("/livez")).status == 200
            await store.execute(place, "SET", place, kept)
            await until(lambda: not background.missing)
            assert (await alone.http.get("/readyz")).status == 200
        await background.close()


async def test_a_delivery_that_nobody_can_read_holds_up_no_other(world: World) -> None:
    logouts, store = world.issuer.store.logouts, world.issuer.store.connection
    for delivery_id in ("unreadable", "fine"):
        assert await logouts.queue(delivery_id, LogoutDelivery("app", "user", "sid"), 1)
    place = Keys().logout_delivery("unreadable")
    await store.execute(place, "SET", place, b"{")
    claimed = await logouts.claim(2, 20)
    assert [delivery_id for delivery_id, _ in claimed] == ["fine"]
    assert await logouts.waiting() == 1, "what cannot be read is gone"
