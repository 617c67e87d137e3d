"""What the operator's own port says while something that it needs is away, and its metrics."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any
from unittest.mock import AsyncMock, Mock

import aiohttp
import pytest

from service.declared import KINDS
from service.observe.events import Event
from service.operator import health
from service.operator.connection import login
from service.operator.handlers import Handlers, Looking
from service.operator.health import OperatorHealth, UnavailableError
from service.operator.metrics import Dependency, ObjectState, OperatorMetrics, Reconciled, RequestOutcome
from service.operator.reconciling import Reconciler
from service.operator.status import Reason
from service.operator.watching import Scope, Watcher
from service.settings import SettingsError
from tests.free_ports import free_ports
from tests.observe.exposition import samples
from tests.operator.memory_api_server import MemoryApiServer
from tests.patience import until

ALL = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]


async def test_it_is_ready_while_all_answer(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, health.__name__)
    monkeypatch.setattr(health, "CHECK_EVERY", 0.01)
    monkeypatch.setattr(health, "CHECK_AGAIN_AFTER", 0.01)
    wrong: dict[Dependency, str] = {Dependency.SERVICE: "https://admin does not answer"}

    async def api_server() -> str:
        return wrong.get(Dependency.API_SERVER, "")

    async def service() -> str:
        if text := wrong.get(Dependency.SERVICE):
            raise UnavailableError(text)
        return ""

    metrics = OperatorMetrics(lambda: 0.0)
    checked = OperatorHealth(metrics, {Dependency.API_SERVER: api_server, Dependency.SERVICE: service})
    (port,) = free_ports(1)
    async with checked.serving("127.0.0.1", port), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:

        async def ready() -> tuple[int, Mapping[str, Any]]:
            async with http.get("/readyz") as answer:
                return answer.status, await answer.json()

        assert (await ready())[0] == 503, "nothing was asked yet"
        checking = asyncio.create_task(checked.keep_checking())
        checked.set(Dependency.RIGHTS, "")
        unavailable = {"status": "service unavailable", "reason": wrong[Dependency.SERVICE]}
        await until(lambda: checked_is(ready, (503, unavailable)))
        assert _shown(metrics, "mintmark_operator_dependency_available", dependency="service") == 0
        wrong.clear()
        await until(lambda: checked_is(ready, (200, {"status": "ok"})))
        wrong[Dependency.API_SERVER] = "the cluster does not know OAuth2Client"
        await until(
            lambda: checked_is(
                ready, (503, {"status": "api_server unavailable", "reason": wrong[Dependency.API_SERVER]})
            )
        )
        async with http.get("/livez") as answer:
            assert answer.status == 200, "a new start would bring nothing back"
        checking.cancel()
    said = [record.msg for record in caplog.records]
    assert said == [Event.SERVICE_UNAVAILABLE, Event.SERVICE_AVAILABLE, Event.API_SERVER_UNAVAILABLE]


async def checked_is(ready: Any, wanted: tuple[int, Mapping[str, Any]]) -> bool:
    return bool(await ready() == wanted)


async def test_a_port_that_is_taken_is_named() -> None:
    (port,) = free_ports(1)
    checked = OperatorHealth(OperatorMetrics(lambda: 0.0), {})
    async with checked.serving("127.0.0.1", port):
        with pytest.raises(SettingsError, match=f"--health-port {port}: "):
            async with checked.serving("127.0.0.1", port):
                pass


def test_objects_are_shown_by_reason_and_by_how_long_they_wait() -> None:
    metrics = OperatorMetrics(lambda: 1000.0)
    metrics.objects = {
        "a": ObjectState("OAuth2Client", Reason.DECLARED, 1.0),
        "b": ObjectState("OAuth2Client", Reason.REFUSED, 900.0),
        "c": ObjectState("OAuth2Client", Reason.REFUSED, 400.0),
    }
    refused = {"kind": "OAuth2Client", "reason": "Refused"}
    assert _shown(metrics, "mintmark_operator_objects", **refused) == 2
    assert _shown(metrics, "mintmark_operator_not_ready_seconds", kind="OAuth2Client") == 600
    assert _shown(metrics, "mintmark_operator_not_ready_seconds", kind="TrustedIssuer") == 0
    del metrics.objects["b"], metrics.objects["c"]
    assert _shown(metrics, "mintmark_operator_objects", **refused) == 0, "and not as it was at the scrape before"
    assert _shown(metrics, "mintmark_operator_not_ready_seconds", kind="OAuth2Client") == 0


async def test_a_run_that_ends_shows_no_object_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was being deleted may be gone when rights come back: it would be shown as waiting for ever."""
    metrics, stop = OperatorMetrics(lambda: 1000.0), asyncio.Event()

    async def spawn(stop_flag: asyncio.Event, **_: object) -> asyncio.Event:
        metrics.objects["going"] = ObjectState("OAuth2Client", Reason.CANNOT_END, 400.0)
        return stop_flag

    async def run(flag: asyncio.Event, **_: object) -> None:
        assert _shown(metrics, "mintmark_operator_not_ready_seconds", kind="OAuth2Client") == 600
        stop.set()
        await flag.wait()

    monkeypatch.setattr("kopf.spawn_tasks", spawn)
    monkeypatch.setattr("kopf.run_tasks", run)
    handlers = Handlers(Reconciler(AsyncMock(), Mock(), MemoryApiServer(), lambda: 1000.0), metrics, Looking())
    api_server = Mock(knows_kinds=AsyncMock(return_value=True), rules_of=AsyncMock(return_value=ALL))
    watcher = Watcher(api_server, Scope(("shop",)), handlers, OperatorHealth(metrics, {}), metrics)
    await watcher.run(login, stop)
    assert _shown(metrics, "mintmark_operator_not_ready_seconds", kind="OAuth2Client") == 0


def test_what_is_counted_is_shown_as_zero_before() -> None:
    """Or the first one would be no rise."""
    metrics = OperatorMetrics(lambda: 0.0)
    for kind in KINDS:
        for outcome in Reconciled:
            assert _shown(metrics, "mintmark_operator_reconciliations_total", kind=kind, outcome=outcome) == 0
    metrics.reconciled("OAuth2Client", Reconciled.PUT_RIGHT)
    metrics.requested(Dependency.SERVICE, RequestOutcome.FAILED)
    assert _shown(metrics, "mintmark_operator_reconciliations_total", kind="OAuth2Client", outcome="put_right") == 1
    assert _shown(metrics, "mintmark_operator_requests_total", target="service", outcome="failed") == 1


def _shown(metrics: OperatorMetrics, name: str, **labels: str) -> float:
    (found,) = samples(metrics.exposition().decode(), name, **labels)
    return found
