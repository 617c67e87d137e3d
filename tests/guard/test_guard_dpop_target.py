"""What a DPoP proof has to be for is the API's to say, never its sender's (RFC 9449 section 4.3)."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from mintmark_guard import DpopPolicy, Guard, Refused
from mintmark_guard.aiohttp import TOKEN, aiohttp_guard
from mintmark_guard.asgi import AsgiGuard
from mintmark_guard.request_url import request_url
from tests.dpop import Prover
from tests.guard.guarding import API
from tests.guard.test_guard_dpop import bound_token, request
from tests.world import World

OTHER = "https://other.example"
"""Another API of the same audience, or whoever caught a proof on its way there."""


@pytest.mark.parametrize(
    ("host", "target", "url"),
    [
        ("a.example", "/orders/a%2Fb?c=/d", "https://a.example/orders/a%2Fb?c=/d"),
        ("[::1]:8000", "/", "https://[::1]:8000/"),
        ("a.example", "//b.example/orders", "https://a.example//b.example/orders"),
        ("a.example", "http://b.example/orders?c", "https://a.example/orders"),
        ("a.example", "http://b.example?/orders", "https://a.example/"),
        ("a.example", "http://b.example#/orders", "https://a.example/"),
        ("a.example", "*", "https://a.example/"),
        ("a.example/orders?", "/admin", "https:///admin"),
        ("a.example/x", "/orders", "https:///orders"),
        ("a.example#", "/orders", "https:///orders"),
        ("a@b.example", "/orders", "https:///orders"),
        ("", "/orders", "https:///orders"),
    ],
)
def test_url_of_a_request(host: str, target: str, url: str) -> None:
    assert request_url("https", host, target) == url


SENT = [
    (f"{OTHER}/orders", "other.example", "/orders", 401),
    (f"{OTHER}/orders", "other.example", f"{OTHER}/orders", 401),
    (f"{OTHER}/orders", "api.example.com", f"{OTHER}/orders", 401),
    (f"{API}/orders", "api.example.com/orders?", "/admin", 401),
    (f"{API}/x/orders", "api.example.com/x", "/orders", 401),
    (f"{API}/orders", "other.example", "/orders", 200),
    (f"{API}/orders", "api.example.com", "/orders", 200),
]
"""What the proof is for, Host, request target, status."""


async def test_before_aiohttp_handlers(served: World, guards: Callable[..., Guard]) -> None:
    async def whose(incoming: web.Request) -> web.Response:
        return web.Response(text=incoming[TOKEN].subject)

    prover = Prover()
    token = await bound_token(served, prover)
    app = web.Application(middlewares=[aiohttp_guard(guards("jwks"))])
    for path in ("/orders", "/admin"):
        app.router.add_get(path, whose)
    async with TestServer(app) as server:
        for htu, host, target, status in SENT:
            headers = {"Host": host, "Connection": "close", **prover.with_token(token, url=htu)}
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            assert (await reader.read()).startswith(b"HTTP/1.1 %d " % status), (htu, host, target)
            writer.close()


async def test_before_an_asgi_application(served: World, guards: Callable[..., Guard]) -> None:
    prover, guard = Prover(), guards("jwks")
    token = await bound_token(served, prover)

    async def app(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        raise AssertionError

    for htu, host, target, status in SENT:
        answered: list[Any] = []

        async def send(message: Any, answered: list[Any] = answered) -> None:
            answered.append(message)

        headers = [(name.lower().encode(), value.encode()) for name, value in prover.with_token(token, url=htu).items()]
        where = {"scheme": "https", "path": "/orders", "raw_path": target.encode(), "query_string": b""}
        scope = {"type": "http", "method": "GET", **where, "headers": [(b"host", host.encode()), *headers]}
        await AsgiGuard(app, guard)(scope, receive, send)
        assert answered[0]["status"] == status, (htu, host, target)


async def test_an_audience_that_is_no_url_says_nothing_of_it(guards: Callable[..., Guard]) -> None:
    """P9: it must be said, or the sender's word be wanted."""
    with pytest.raises(ValueError, match="public_url"):
        guards("jwks", audience="orders", dpop=DpopPolicy(required=True))
    for policy in (DpopPolicy(public_url=API), DpopPolicy(trust_host=True)):
        guards("jwks", audience="orders", dpop=policy)


async def test_without_a_word_of_it_no_proof_is_taken(served: World, guards: Callable[..., Guard]) -> None:
    prover, audience = Prover(), "urn:example:orders"
    token = await bound_token(served, prover, audience)
    headers = prover.with_token(token, url=f"{API}/orders")
    with pytest.raises(Refused, match="public_url"):
        await guards("jwks", audience=audience).check(**request(headers, url=f"{API}/orders"))
    trusting = guards("jwks", audience=audience, dpop=DpopPolicy(trust_host=True))
    assert (await trusting.check(**request(headers, url=f"{API}/orders"))).subject == "alice"
