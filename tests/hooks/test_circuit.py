"""The circuit breaker: who fails in a row is left alone for a while, one question decides whether it is back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from service.hooks.answers import MAX_BYTES
from service.hooks.circuit import Circuit, CircuitState
from tests.hooks.receiver import Receiver, hooked, saying
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.world import World


@dataclass
class Watched:
    """A circuit of three failures and ten seconds, its clock, and the states that it was in."""

    now: float = 0.0
    states: list[CircuitState] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.circuit = Circuit(3, 10, lambda: self.now, self.states.append)


def test_failures_in_a_row_open_it_and_one_success_closes_it() -> None:
    watched = Watched()
    circuit = watched.circuit
    for outcome in ("failed", "failed", "succeeded", "failed", "failed"):
        assert circuit.admits()
        getattr(circuit, outcome)()
    assert watched.states == []
    circuit.failed()
    assert not circuit.admits()
    assert circuit.wait == 10
    watched.now = 10
    assert [circuit.admits(), circuit.admits()] == [True, False]
    circuit.succeeded()
    assert circuit.admits()
    assert watched.states == [CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.CLOSED]


def test_a_probe_that_fails_opens_it_again() -> None:
    watched = Watched(states=[])
    for _ in range(3):
        watched.circuit.failed()
    watched.now = 11
    assert watched.circuit.admits()
    watched.circuit.failed()
    watched.now = 20
    assert not watched.circuit.admits()
    watched.now = 21
    assert watched.circuit.admits()


def test_a_probe_that_is_abandoned_leaves_the_turn_to_the_next() -> None:
    watched = Watched()
    for _ in range(3):
        watched.circuit.failed()
    watched.now = 11
    assert watched.circuit.admits()
    watched.circuit.abandoned()
    assert watched.circuit.admits()


@pytest.fixture
async def world(redis: Shape, receiver: Receiver) -> AsyncIterator[World]:
    hook = {"url": receiver.url, "events": ["claims", "revoked"], "failures_allowed": 3, "pause": 20}
    async with hooked(redis, {"crm": hook}) as made:
        await made.client()
        yield made


async def test_the_hook_is_left_alone_probed_and_asked_again(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """The metrics and the log tell, and Retry-After says how long."""

    async def ask() -> int:
        return (await world.token(grant_type="client_credentials")).status

    caplog.set_level("INFO")
    receiver.turn = saying(500)
    assert [await ask() for _ in range(5)] == [503] * 5
    assert len(receiver.heard) == 3
    response = await world.token(grant_type="client_credentials")
    assert 1 <= int(response.headers["Retry-After"]) <= 20
    metrics = world.issuer.metrics.exposition().decode()
    assert 'mintmark_hook_circuit_open{hook="crm"} 1.0' in metrics
    assert 'mintmark_hook_calls_total{event="claims",hook="crm",outcome="failed"} 3.0' in metrics
    assert 'mintmark_hook_calls_total{event="claims",hook="crm",outcome="skipped"} 3.0' in metrics
    world.issuer.clock.ahead = 21  # type: ignore[attr-defined]
    assert [await ask(), await ask()] == [503, 503]
    assert len(receiver.heard) == 4  # the probe alone
    receiver.turn = None
    world.issuer.clock.ahead = 42  # type: ignore[attr-defined]
    assert [await ask(), await ask()] == [200, 200]
    metrics = world.issuer.metrics.exposition().decode()
    assert 'mintmark_hook_circuit_open{hook="crm"} 0.0' in metrics
    assert 'mintmark_hook_calls_total{event="claims",hook="crm",outcome="ok"} 2.0' in metrics
    states = [record.__dict__["state"] for record in caplog.records if record.message == "hook_circuit_changed"]
    assert states == ["open", "half_open", "open", "half_open", "closed"]


async def test_answers_that_cannot_be_used_do_not_open_it(world: World, receiver: Receiver) -> None:
    """What the hook says of one client or person must not take it away from all others, however often that one comes."""
    await world.client("big")
    large = web.json_response({"access_token": {"note": "x" * (MAX_BYTES + 1)}}).body
    assert isinstance(large, bytes)

    async def answer(_: web.Request) -> web.StreamResponse:
        named = receiver.heard[-1]["data"]["client_id"]
        return web.json_response({}) if named == "app" else web.Response(body=large)

    receiver.turn = answer
    for _ in range(5):
        assert (await world.token("big", grant_type="client_credentials")).status == 503
    assert (await world.token(grant_type="client_credentials")).status == 200
    metrics = world.issuer.metrics.exposition().decode()
    assert 'mintmark_hook_calls_total{event="claims",hook="crm",outcome="failed"} 5.0' in metrics
    assert 'mintmark_hook_circuit_open{hook="crm"} 0.0' in metrics


async def test_of_many_at_once_one_is_the_probe(world: World, receiver: Receiver) -> None:
    receiver.turn = saying(500)
    for _ in range(3):
        await world.token(grant_type="client_credentials")
    world.issuer.clock.ahead = 21  # type: ignore[attr-defined]
    others_are_refused = asyncio.Event()

    async def wait(_: web.Request) -> web.StreamResponse:
        await others_are_refused.wait()
        return web.json_response({})

    receiver.turn = wait
    requests = [asyncio.ensure_future(world.token(grant_type="client_credentials")) for _ in range(8)]
    async with asyncio.timeout(PATIENCE):
        while sum(request.done() for request in requests) < 7:
            await asyncio.sleep(0.01)
    others_are_refused.set()
    assert sorted([(await request).status for request in requests]) == [200] + [503] * 7


async def test_the_secret_is_in_no_log_and_no_metric(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    receiver.turn = saying(500)
    for _ in range(4):
        await world.token(grant_type="client_credentials")
    assert "hook_failed" in caplog.text
    everything = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "whsec_" not in everything + world.issuer.metrics.exposition().decode()
