"""What an API wants beside scopes: how and how lately its user signed in (RFC 9470); and whom it trusts (RFC 9728)."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from mintmark_guard import Guard, Needed, Refused
from mintmark_guard.aiohttp import aiohttp_guard, needs
from mintmark_guard.asgi import AsgiGuard
from service.protocol.names import AccessTokenFormat
from tests.conftest import NODE
from tests.guard.guarding import API
from tests.guarded import bearer
from tests.patience import PATIENCE
from tests.server_process import free_port
from tests.world import World

WELL_KNOWN = "/.well-known/oauth-protected-resource"


async def signed_in(world: World, acr: str = "low", ago: int = 0, **changes: Any) -> str:
    """An access token, a JWT, of somebody who signed in by this acr so many seconds ago."""
    client = await world.client(audiences=(API,), access_token_format=AccessTokenFormat.JWT)
    grant = {"acr": acr, "auth_time": int(time.time()) - ago} | changes
    return str((await world.tokens(client, scope="read", audience=(API,), **grant))["access_token"])


async def refused(guard: Guard, token: str, needed: Needed) -> Refused:
    with pytest.raises(Refused) as found:
        await guard.check(**bearer(token), scopes=needed)
    return found.value


@pytest.mark.parametrize("kind", ["jwks", "introspection"])
async def test_a_login_that_will_not_do_is_challenged(served: World, guards: Callable[..., Guard], kind: str) -> None:
    guard, token = guards(kind), await signed_in(served, ago=100)
    for good in (Needed.of("read"), Needed.of(acr_values="high low"), Needed.of("read", ["low"], 1000)):
        assert (await guard.check(**bearer(token), scopes=good)).acr == "low"
    error = await refused(guard, token, Needed.of("read", "high highest"))
    assert (error.status, error.error) == (401, "insufficient_user_authentication")
    challenge = error.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer error="insufficient_user_authentication", error_description="')
    assert 'acr_values="high highest"' in challenge
    assert "max_age" not in challenge
    old = (await refused(guard, token, Needed.of(max_age=60))).headers["WWW-Authenticate"]
    assert 'max_age="60"' in old
    assert "acr_values" not in old
    both = (await refused(guard, token, Needed.of(acr_values="high", max_age=60))).headers["WWW-Authenticate"]
    assert 'acr_values="high", max_age="60"' in both
    assert (await refused(guard, token, Needed.of("write", "high", 60))).error == "insufficient_scope"


async def test_who_never_signed_in_satisfies_no_such_demand(served: World, guards: Callable[..., Guard]) -> None:
    await signed_in(served)
    response = await served.token(grant_type="client_credentials", resource=API)
    token = (await response.json())["access_token"]
    for needed in (Needed.of(acr_values="low"), Needed.of(max_age=2**31)):
        assert (await refused(guards(), token, needed)).error == "insufficient_user_authentication"


def test_several_demands_hold_together() -> None:
    both = Needed.of("read", "low high", 300) | Needed.of("write", "high", 60) | Needed.of(acr_values="low high")
    assert both == Needed(frozenset({"read", "write"}), (("low", "high"), ("high",)), 60)
    assert Needed.of("read") | Needed.of(max_age=0) == Needed(frozenset({"read"}), (), 0)


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


@needs("read", acr_values="high", max_age=60)
async def hello_again(request: web.Request) -> web.Response:
    return await hello(request)


async def application(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def behind(guard: AsgiGuard) -> web.Application:
    """An ASGI application as aiohttp serves it, as far as these tests need it."""

    async def handle(request: web.Request) -> web.Response:
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        headers = [(name.lower(), value) for name, value in request.raw_headers]
        scope = {"type": "http", "method": request.method, "path": request.path, "headers": headers}
        await guard(scope, asyncio.sleep, send)  # type: ignore[arg-type]
        start, body = sent
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        return web.Response(status=start["status"], headers=told, body=body["body"])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    return app


@pytest.mark.parametrize("kind", ["aiohttp", "asgi"])
async def test_a_route_may_want_more_of_the_login(served: World, guards: Callable[..., Guard], kind: str) -> None:
    routes: dict[str, Any] = {"POST /transfers": Needed.of("read", "high", 60), "/orders": {"read"}}
    if kind == "asgi":
        app = behind(AsgiGuard(application, guards(), routes=routes))
    else:
        app = web.Application(middlewares=[aiohttp_guard(guards(), routes=routes)])
        app.router.add_post("/transfers", hello)
        app.router.add_get("/orders", hello)
        app.router.add_get("/card", hello_again)
    low, high = await signed_in(served), await signed_in(served, "high")
    async with TestClient(TestServer(app)) as http:

        async def asked(method: str, path: str, token: str) -> ClientResponse:
            return await http.request(method, path, headers={"Authorization": f"Bearer {token}"})

        assert (await asked("GET", "/orders", low)).status == 200
        assert (await asked("POST", "/transfers", high)).status == 200
        answer = await asked("POST", "/transfers", low)
        assert (answer.status, (await answer.json())["error"]) == (401, "insufficient_user_authentication")
        assert 'acr_values="high"' in answer.headers["WWW-Authenticate"]
        if kind == "aiohttp":
            assert ((await asked("GET", "/card", low)).status, (await asked("GET", "/card", high)).status) == (401, 200)


# metadata


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("https://api.example.com", WELL_KNOWN),
        ("https://api.example.com/", WELL_KNOWN),
        ("https://api.example.com/v1/orders", f"{WELL_KNOWN}/v1/orders"),
        ("http://127.0.0.1:9000/x", f"{WELL_KNOWN}/x"),
    ],
)
async def test_where_the_metadata_are(guards: Callable[..., Guard], resource: str, path: str) -> None:
    """RFC 9728 section 3.1."""
    metadata = guards("jwks", resource).metadata
    assert metadata is not None
    assert metadata.path == path
    assert metadata.url == resource.partition("/v1")[0].removesuffix("/x").rstrip("/") + path


@pytest.mark.parametrize(
    "resource", ["orders", "http://api.example.com", "https://api.example.com/#x", "urn:example:api"]
)
async def test_what_is_no_url_has_no_metadata(guards: Callable[..., Guard], resource: str) -> None:
    assert guards("jwks", resource).metadata is None
    with pytest.raises(ValueError, match="has no metadata"):
        guards("jwks", resource, metadata={"resource_name": "Orders"})


async def test_an_api_may_have_no_metadata(guards: Callable[..., Guard]) -> None:
    guard = guards(metadata=None)
    with pytest.raises(Refused) as refused:
        await guard.check(method="GET", url=API, headers={})
    assert "resource_metadata" not in refused.value.headers["WWW-Authenticate"]


async def test_nobody_says_in_our_place_whom_we_trust(guards: Callable[..., Guard]) -> None:
    with pytest.raises(ValueError, match="authorization_servers: the guard says that"):
        guards(metadata={"authorization_servers": ["https://evil.example"]})


@pytest.mark.parametrize("kind", ["aiohttp", "asgi"])
async def test_metadata_are_for_everybody_and_challenges_point_there(
    served: World, guards: Callable[..., Guard], kind: str
) -> None:
    guard = guards(metadata={"resource_name": "Orders", "scopes_supported": ["read"]})
    app = web.Application(middlewares=[aiohttp_guard(guard)])
    if kind == "asgi":
        app = behind(AsgiGuard(application, guard))
    async with TestClient(TestServer(app)) as http:
        response = await http.get(WELL_KNOWN)
        assert (response.status, response.content_type) == (200, "application/json")
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert await response.json() == {
            "resource": API,
            "authorization_servers": [served.issuer.url],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": ["ES256", "PS256", "EdDSA", "ES384"],
            "resource_name": "Orders",
            "scopes_supported": ["read"],
        }
        assert (await http.head(WELL_KNOWN)).status == 200
        for method, path in (("POST", WELL_KNOWN), ("GET", WELL_KNOWN + "/"), ("GET", "/orders")):
            refused = await http.request(method, path)
            assert refused.status == 401
            assert f'resource_metadata="{API}{WELL_KNOWN}"' in refused.headers["WWW-Authenticate"]


async def test_oauth4webapi_finds_the_token_service_by_the_api(served: World, node_modules: Path) -> None:
    """A client that knows only the API: challenge, metadata, discovery."""
    assert node_modules
    app, port = web.Application(), free_port()
    app.router.add_get("/orders", hello)
    url = f"http://127.0.0.1:{port}/orders"
    guard = Guard(served.issuer.url, url, metadata={"scopes_supported": ["read"]})
    app.middlewares.append(aiohttp_guard(guard))
    async with TestServer(app, host="127.0.0.1", port=port):
        node = await asyncio.create_subprocess_exec(
            "node", "resource_metadata.js", url, cwd=NODE, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await asyncio.wait_for(node.communicate(), PATIENCE)
    await guard.close()
    told = json.loads(out)
    assert (told["status"], told["issuer"]) == (401, served.issuer.url)
    assert told["pointed"] == f"http://127.0.0.1:{port}{WELL_KNOWN}/orders"
    assert told["metadata"]["resource"] == url
