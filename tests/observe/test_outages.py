"""Trouble that lasts is told when it begins, ever more rarely while it lasts, and when it is over."""

import asyncio
import logging

import pytest

from service.app import open_issuer
from service.observe.events import Event
from service.observe.outages import Outage
from service.outbound.delivery_loop import keep_delivering
from service.protocol.errors import TemporarilyUnavailable
from tests.cutting_proxy import CuttingProxy
from tests.patience import PATIENCE
from tests.world import settings_for

LOG = logging.getLogger("outages")


def test_it_is_told_once_then_ever_more_rarely_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = [0.0]
    outage = Outage(LOG, Event.REDIS_LISTENER_DISCONNECTED, Event.REDIS_LISTENER_RECONNECTED, clock=lambda: now[0])
    outage.succeeded()  # nothing was lost
    for _ in range(3000):  # ten minutes of a try every 0.2 s
        outage.failed("refused", queue="q")
        now[0] += 0.2
    outage.succeeded(queue="q")
    outage.succeeded(queue="q")
    lost = [record for record in caplog.records if record.message == "redis_listener_disconnected"]
    assert [record.__dict__.get("for_seconds", 0) for record in lost] == pytest.approx(
        [0, 5, 15, 35, 75, 155, 315], abs=1.5
    )
    assert (lost[0].levelname, lost[0].reason, lost[0].queue) == ("WARNING", "refused", "q")  # type: ignore[attr-defined]
    (back,) = [record for record in caplog.records if record.message == "redis_listener_reconnected"]
    assert (back.failures, back.levelname) == (3000, "INFO")  # type: ignore[attr-defined]
    caplog.clear()
    outage.failed("again")
    assert [record.message for record in caplog.records] == ["redis_listener_disconnected"]


def test_what_comes_after_a_long_silence_is_another_outage(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    outage = Outage(LOG, Event.REDIS_LISTENER_DISCONNECTED, Event.REDIS_LISTENER_RECONNECTED, clock=lambda: now[0])
    for later in (0.0, 1.0, 301.5, 302.0):
        now[0] = later
        outage.failed("refused")
    assert len(caplog.records) == 2


@pytest.mark.usefixtures("world")
async def test_the_listener_says_once_that_redis_is_away_and_that_it_is_back(
    proxy: CuttingProxy, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    failed, tries = Outage.failed, 0

    def counted(outage: Outage, reason: object, **facts: object) -> None:
        nonlocal tries
        tries += outage._began == "redis_listener_disconnected"
        failed(outage, reason, **facts)

    monkeypatch.setattr(Outage, "failed", counted)
    url = f"redis://127.0.0.1:{proxy.port}/0"
    async with open_issuer(settings_for(url)):
        proxy.refuse()
        proxy.drop()
        async with asyncio.timeout(PATIENCE):
            while tries < 3:
                await asyncio.sleep(0.02)
        proxy.heal()
        async with asyncio.timeout(PATIENCE):
            while "redis_listener_reconnected" not in caplog.text:
                await asyncio.sleep(0.02)
    lost = [record for record in caplog.records if record.message == "redis_listener_disconnected"]
    (back,) = [record for record in caplog.records if record.message == "redis_listener_reconnected"]
    assert 1 <= len(lost) < back.failures  # type: ignore[attr-defined]


async def test_a_delivery_loop_says_once_that_its_queue_is_not_read(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("service.outbound.delivery_loop._EVERY", 0.01)
    tries = 0

    async def deliver() -> int:
        nonlocal tries
        tries += 1
        if tries <= 20:
            raise TemporarilyUnavailable(log="Redis: gone")
        return 0

    loop = asyncio.ensure_future(keep_delivering(deliver, "logouts"))
    async with asyncio.timeout(PATIENCE):
        while "delivery_queue_available" not in caplog.text:
            await asyncio.sleep(0.01)
    loop.cancel()
    assert [record.message for record in caplog.records if record.message.startswith("delivery_queue_")] == [
        "delivery_queue_unavailable",
        "delivery_queue_available",
    ]
