"""Outgoing calls are spans: whoever is called gets to know the trace, whatever the call is for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from service.crypto.client_keys import KeySource
from service.login import backchannel_logout
from service.observe.current import CURRENT, Current
from service.observe.trace_context import parse
from service.outbound.http_client import HttpClient, HttpClientError
from service.protocol.names import HookEvent
from service.records.logout_delivery import LogoutDelivery
from tests.hooks.receiver import HOOK_SECRET
from tests.observe.collector import Collector, Open, attributes
from tests.world import World

pytestmark = pytest.mark.usefixtures("own_log")
CALLER, CALLING_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CLIENT = Span.SPAN_KIND_CLIENT


async def _jwks_uri(world: World, url: str) -> None:
    await world.issuer.client_keys.keys(KeySource("app", None, url), kid=None, algorithm="ES256")


async def _request_uri(world: World, url: str) -> None:
    await world.openid_client(request_uris=(url,))
    await world.http.get("/authorize", params={"client_id": "app", "request_uri": url}, allow_redirects=False)


async def _sector_identifier(world: World, url: str) -> None:
    metadata = {"redirect_uris": ["https://a.example/cb"], "subject_type": "pairwise", "sector_identifier_uri": url}
    await world.http.post("/register", json=metadata)


async def _hook_question(world: World, _: str) -> None:
    await world.issuer.hooks.add_claims({})


async def _hook_notification(world: World, _: str) -> None:
    issuer = world.issuer
    await issuer.hooks.notify(HookEvent.REVOKED)
    assert await issuer.hooks.notifier.deliver_due() == 1


async def _logout(world: World, url: str) -> None:
    await world.openid_client(backchannel_logout_uri=url)
    await world.issuer.store.logouts.queue("one", LogoutDelivery("app", "sub-1", "sid-1"), 1)
    assert await backchannel_logout.deliver_due(world.issuer) == 1


async def _directory(world: World, _: str) -> None:
    await world.issuer.directory.verify("alice", "wonderland", "192.0.2.1")


@pytest.mark.parametrize(
    ("call", "method", "status"),
    [
        (_jwks_uri, "GET", 200),
        (_request_uri, "GET", 200),
        (_sector_identifier, "GET", 200),
        (_hook_question, "POST", 204),
        (_hook_notification, "POST", 204),
        (_logout, "POST", 204),
        (_directory, "POST", 404),
    ],
)
async def test_every_kind_of_call_is_a_span_and_says_so(
    opened: Open, collector: Collector, call: Callable[[World, str], Awaitable[None]], method: str, status: int
) -> None:
    heard: list[str | None] = []

    async def answer(http: web.Request) -> web.Response:
        heard.append(http.headers.get("traceparent"))
        return web.Response(status=status, body=None if status == 204 else b'{"keys": []}')

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application, host="127.0.0.1") as server:
        url, port = str(server.make_url("/there")), server.port
        settings: dict[str, Any] = {
            "fetch_private_addresses": True,
            "directory_url": url,
            "hooks": {"ours": {"url": url, "events": ["claims", "revoked"]}},
            "hook_secrets": {"ours": HOOK_SECRET},
            "registration": "open",
            "pairwise_salt": "s" * 16,
            "request_objects": "by_reference",
        }
        async with opened(**settings) as world:
            await call(world, url)
            await collector.have(world.issuer)
    (span,) = [one for one in collector.of_kind(CLIENT) if "http.request.method" in attributes(one)]
    assert attributes(span) == {
        "http.request.method": method,
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": port,
        "http.response.status_code": status,
    } | ({"error.type": "404"} if status == 404 else {})
    assert heard == [f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"]


@pytest.fixture
async def elsewhere() -> AsyncIterator[TestServer]:
    """Somebody else's server, that says which traceparent it got."""

    async def answer(http: web.Request) -> web.Response:
        return web.json_response([http.headers.get("traceparent")], status=int(http.path[1:]))

    application = web.Application()
    application.router.add_get("/{status}", answer)
    server = TestServer(application, host="127.0.0.1")
    async with server:
        yield server


async def _fetched(http_client: HttpClient, url: str, current: Current | None) -> Any:
    CURRENT.set(current)
    try:
        return orjson.loads((await http_client.get(url)).content)[0]
    finally:
        CURRENT.set(None)


async def test_whom_we_call_gets_to_know_the_trace(opened: Open, collector: Collector, elsewhere: TestServer) -> None:
    async with opened(fetch_private_addresses=True) as world:
        tracing, http_client = world.issuer.tracing, world.issuer.http_client
        assert tracing is not None
        current = Current("x")
        current.span = span = tracing.begin("GET", "/", None, trusted=False)
        assert span is not None
        told = await _fetched(http_client, str(elsewhere.make_url("/200?code=secret")), current)
        with pytest.raises(HttpClientError):
            await _fetched(http_client, str(elsewhere.make_url("/404")), current)
        alone = await _fetched(http_client, str(elsewhere.make_url("/200")), None)
        span.end({})
        await collector.have(world.issuer)
    call, failed, other = collector.of_kind(CLIENT)
    assert told == f"00-{span.context.trace_id}-{call.span_id.hex()}-01"
    assert call.parent_span_id.hex() == failed.parent_span_id.hex() == span.context.span_id
    assert attributes(call) == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": elsewhere.port,
        "http.response.status_code": 200,
    }
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert (other.parent_span_id, alone) == (b"", f"00-{other.trace_id.hex()}-{other.span_id.hex()}-01")
    assert b"secret" not in b"".join(collector.received)


async def test_where_we_do_not_trace_a_caller_s_trace_is_passed_on_unsampled(
    opened: Open, collector: Collector, elsewhere: TestServer
) -> None:
    async with opened(fetch_private_addresses=True, trace_sample=0.0) as world:
        current = Current("x")
        current.caller = parse([f"00-{CALLER}-{CALLING_SPAN}-01"])
        told = await _fetched(world.issuer.http_client, str(elsewhere.make_url("/200")), current)
        assert told == f"00-{CALLER}-{CALLING_SPAN}-00"
        await _fetched(world.issuer.http_client, str(elsewhere.make_url("/200")), None)
        assert await collector.have(world.issuer) == [], "nor what we do by ourselves"
