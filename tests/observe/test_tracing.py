"""Traces: they arrive at a real collector, hang together, say no secret, cost nothing when off, and hurt nobody."""

import asyncio
import contextvars
import subprocess
import sys
from typing import Any

import orjson
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from service.app import open_issuer
from service.observe.current import CURRENT, Current
from service.observe.log import configure
from service.observe.tracing import Tracing
from service.settings import SettingsError, load
from tests.observe.collector import Collector, Open, attributes
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import SECRET, World, in_process, settings_for

CALLER = "0af7651916cd43dd8448eb211c80319c"
CALLING_SPAN = "b7ad6b7169203331"
pytestmark = pytest.mark.usefixtures("own_log")

SERVER, CLIENT = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT


async def _ask(world: World, traceparent: str | None = None) -> None:
    headers = {"traceparent": traceparent} if traceparent else {}
    response = await world.http.get("/.well-known/oauth-authorization-server", headers=headers)
    assert response.status == 200


async def test_a_request_is_a_span_and_its_batch_is_a_child_of_it(opened: Open, collector: Collector) -> None:
    async with opened() as world:
        await world.client()
        await world.token(grant_type="client_credentials")
        await collector.have(world.issuer)
    (request,) = collector.of_kind(SERVER)
    assert request.name == "POST /token"
    told = attributes(request)
    assert told == {
        "http.request.method": "POST",
        "http.route": "/token",
        "url.path": "/token",
        "url.scheme": "http",
        "http.response.status_code": 200,
        "mintmark.grant_type": "client_credentials",
    }
    assert request.parent_span_id == b""
    batches = [span for span in collector.of_kind(CLIENT) if span.trace_id == request.trace_id]
    assert batches
    node = world.redis.nodes[0]
    for batch in batches:
        assert batch.parent_span_id == request.span_id
        assert request.start_time_unix_nano <= batch.start_time_unix_nano <= batch.end_time_unix_nano
        assert batch.end_time_unix_nano <= request.end_time_unix_nano
        told = attributes(batch)
        assert (told["db.system.name"], told["server.address"], told["server.port"]) == ("redis", node.host, node.port)
        assert batch.name == told["db.operation.name"]
        assert (batch.name == "PIPELINE") == ("db.operation.batch.size" in told)
    assert collector.services == {"mintmark"}


async def test_no_credential_gets_into_a_span(opened: Open, collector: Collector) -> None:
    """Codes in queries, secrets in headers and forms, tokens in keys of Redis."""
    async with opened() as world:
        client = await world.client()
        await world.user()
        code = await world.code(client)
        tokens = await (await world.redeem(code)).json()
        await world.refresh(tokens["refresh_token"])
        await world.introspect(tokens["access_token"])
        await world.token(grant_type="password", username="alice", password="wonderland")
        await world.http.get(f"/authorize?code={code}&request={tokens['access_token']}")
        await world.http.get(f"/nowhere/{tokens['access_token']}?code={code}")
        await collector.have(world.issuer)
    assert len(collector.of_kind(SERVER)) == 6
    everything = b"".join(collector.received)
    for secret in (code, *(tokens[kind] for kind in ("access_token", "refresh_token"))):
        for part in (secret, secret[:28], secret[28:]):
            assert part.encode() not in everything
    assert SECRET.encode() not in everything
    assert b"wonderland" not in everything


async def test_a_path_of_somebody_else_names_no_span(opened: Open, collector: Collector) -> None:
    async with opened() as world:
        await world.http.get("/made-up")
        await world.http.request("PROPFIND", "/made-up-too")
        await collector.have(world.issuer)
    assert [span.name for span in collector.of_kind(SERVER)] == ["GET", "HTTP"]
    assert attributes(collector.of_kind(SERVER)[1])["http.request.method"] == "_OTHER"


async def test_a_caller_s_trace_goes_on(opened: Open, collector: Collector) -> None:
    async with opened() as world:
        await _ask(world, f"00-{CALLER}-{CALLING_SPAN}-01")
        await collector.have(world.issuer)
    (span,) = collector.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (CALLER, CALLING_SPAN)


@pytest.mark.parametrize(
    "traceparent",
    ["x", f"00-{'0' * 32}-{CALLING_SPAN}-01", f"ff-{CALLER}-{CALLING_SPAN}-01", f"00-{CALLER}-{CALLING_SPAN}-01-x"],
)
async def test_a_malformed_traceparent_begins_a_new_trace(opened: Open, collector: Collector, traceparent: str) -> None:
    async with opened() as world:
        await _ask(world, traceparent)
        await collector.have(world.issuer)
    (span,) = collector.spans
    assert span.trace_id.hex() != CALLER
    assert span.parent_span_id == b""


@pytest.mark.parametrize(
    ("settings", "flags", "traced"),
    [
        pytest.param({}, None, True, id="ours, sampled"),
        pytest.param({"trace_sample": 0.0}, None, False, id="ours, sampled out"),
        pytest.param({}, "00", False, id="the caller does not trace"),
        pytest.param({"trace_sample": 0.0}, "01", False, id="a stranger wants to be traced"),
        pytest.param({"trace_sample": 0.0, "trusted_proxies": ("127.0.0.0/8",)}, "01", True, id="our proxy traces"),
        pytest.param({"trusted_proxies": ("127.0.0.0/8",)}, "00", False, id="our proxy does not"),
    ],
)
async def test_who_is_traced(
    opened: Open, collector: Collector, settings: dict[str, Any], flags: str | None, traced: bool
) -> None:
    """Anybody can write a header: only our proxies may have us do the work of tracing."""
    async with opened(**settings) as world:
        await _ask(world, f"00-{CALLER}-{CALLING_SPAN}-{flags}" if flags else None)
        await world.issuer.store.ping()
        assert len(await collector.have(world.issuer)) == int(traced)


async def test_a_batch_is_a_child_of_its_first_request_and_linked_to_the_others(
    opened: Open, collector: Collector
) -> None:
    async with opened() as world:
        tracing = world.issuer.tracing
        assert tracing is not None
        (link,) = await world.issuer.store.connection.links()
        spans = [tracing.begin("POST", f"/{number}", None, trusted=False) for number in range(3)]

        def send_for(span: Any) -> Any:
            current = Current("x")
            current.span = span
            CURRENT.set(current)
            return link.send(["PING"])

        futures = [contextvars.copy_context().run(send_for, span) for span in (*spans, None)]
        await asyncio.gather(*futures)
        for span in spans:
            assert span is not None
            span.end({})
        await collector.have(world.issuer)
    (batch,) = collector.of_kind(CLIENT)
    first, *others = (span.context.span_id for span in spans if span is not None)
    assert batch.parent_span_id.hex() == first
    assert [link.span_id.hex() for link in batch.links] == others
    assert attributes(batch)["db.operation.batch.size"] == 4


async def test_a_batch_that_got_no_reply_is_an_error(opened: Open, collector: Collector) -> None:
    async with opened() as world:
        tracing = world.issuer.tracing
        assert tracing is not None
        (link,) = await world.issuer.store.connection.links()
        current = Current("x")
        current.span = span = tracing.begin("GET", "/", None, trusted=False)
        CURRENT.set(current)
        waiting = link.send(["BLPOP", "nothing", 0])
        CURRENT.set(None)
        await asyncio.sleep(0.01)
        link.close()
        await asyncio.gather(waiting, return_exceptions=True)
        assert span is not None
        span.end({})
        await collector.have(world.issuer)
    (batch,) = collector.of_kind(CLIENT)
    assert (batch.status.code, attributes(batch)["error.type"]) == (Status.STATUS_CODE_ERROR, "connection_lost")


async def test_log_lines_of_a_request_name_its_trace(
    opened: Open, collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("INFO", "json")
    async with opened() as world:
        await world.post("/revoke", {"token": "x"}, "ghost")
        await collector.have(world.issuer)
    (span,) = collector.of_kind(SERVER)
    lines = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["trace_id"] for line in lines if line["event"] == "refused"] == [span.trace_id.hex()]


@pytest.mark.parametrize("state", ["nobody listens", "it never answers"])
async def test_a_collector_that_is_away_hurts_nobody(redis: Shape, state: str) -> None:
    """Requests are answered, and the service ends though its last spans find nobody."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    port = free_port()
    silent = None if state == "nobody listens" else await asyncio.start_server(swallow, "127.0.0.1", port)
    settings = settings_for(redis.url, otlp_endpoint=f"http://127.0.0.1:{port}", trace_sample=1.0)
    async with open_issuer(settings, listen=False) as issuer, in_process(issuer) as http:
        world = World(issuer, http, redis)
        await world.client()
        for _ in range(3000):  # more than the queue holds
            assert issuer.tracing
            if span := issuer.tracing.begin("GET", "/", None, trusted=False):
                span.end({})
        assert (await world.token(grant_type="client_credentials")).status == 200
    if silent is not None:
        silent.close()


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_who_does_not_trace_does_not_load_it() -> None:
    """(redis-py looks for the package by itself, and loads its interfaces where it is there.)"""
    code = "import service.cli, service.app, sys; print(*sys.modules)"
    loaded = _python(code).split()
    assert not [name for name in loaded if name.startswith(("service.observe.tracing", "opentelemetry.exporter"))]


@pytest.mark.slow
def test_without_the_package_it_is_said_what_to_install() -> None:
    code = """
import sys; sys.modules["opentelemetry"] = None
from service.app import open_tracing; from service.settings import load
try: open_tracing(load(otlp_endpoint="http://127.0.0.1:4318"))
except Exception as error: print(type(error).__name__, error)
"""
    told = _python(code)
    assert told.startswith("SettingsError otlp_endpoint: pip install -e '.[tracing]'")


@pytest.mark.parametrize("url", ["collector:4318", "ftp://collector", "http://user:secret@collector", "http://c?key=x"])
def test_a_collector_is_a_plain_url(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(otlp_endpoint=url)
    assert "secret" not in str(caught.value)


async def test_spans_are_sent_to_the_path_of_the_standard(collector: Collector) -> None:
    """A base URL with a path of its own, and a slash at its end, is what proxies and vendors have."""
    tracing = Tracing(collector.url + "/", 1.0)
    span = tracing.begin("GET", "/", None, trusted=False)
    assert span is not None
    span.end({})
    await asyncio.to_thread(tracing.flush)
    await tracing.close()
    assert [one.name for one in collector.spans] == ["GET /"]
