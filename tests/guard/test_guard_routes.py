"""Which requests need what: by their routes, however a path is written, and preflights of CORS."""

import asyncio
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestClient, TestServer
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from mintmark_guard import Needed
from mintmark_guard.aiohttp import TOKEN, aiohttp_guard, needs
from mintmark_guard.asgi import AsgiGuard
from mintmark_guard.routes import Routes
from tests.guard.guarding import GOOD, reader_guard

ROUTES = {
    "GET /orders": "read",
    "POST /orders/{id}": ("write",),
    "/admin/*": {"admin", "read"},
    "/{shop}/stock": ["read"],
    "/files/{path:path}": "files",
    "/copies/{path:path}/edit": "copies",
}


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/", ""),
        ("GET", "/orders", "read"),
        ("HEAD", "/orders", "read"),
        ("GET", "/orders/", "read"),
        ("GET", "//orders", "read"),
        ("PUT", "/orders", ""),
        ("GET", "/orders/7", ""),
        ("POST", "/orders/7", "write"),
        ("POST", "/orders/7/8", ""),
        ("DELETE", "/admin", "admin read"),
        ("GET", "/admin/users/7", "admin read"),
        ("GET", "/administration", ""),
        ("GET", "/orders/stock", "read"),
        ("get", "/orders", "read"),
        ("post", "/orders/7", "write"),
        ("GET", "/files/a/b", "files"),
        ("GET", "/files/", "files"),
        ("GET", "/copies/a/b/edit", "copies"),
        ("GET", "/copies//edit", "copies"),
        ("GET", "/copies/a", ""),
    ],
)
def test_scopes_by_route(method: str, path: str, needed: str) -> None:
    assert Routes((), ROUTES).needed(method, path) == Needed.of(needed)
    assert Routes("base", ROUTES).needed(method, path) == Needed.of(["base", *needed.split()])


@pytest.mark.parametrize(
    "route",
    [
        "orders",
        "get /orders",
        "GET  /orders",
        "/a/*/b",
        "/a*",
        "/t/{tail:.+}",
        "/t/<int:id>",
        "/a%20b",
        "/a?b",
        "/{a",
        "",
    ],
)
def test_what_is_no_route_is_told_when_it_is_written(route: str) -> None:
    with pytest.raises(ValueError, match="is no route"):
        Routes((), {route: "read"})


# paths as they are written


async def aiohttp_answer(server: BaseTestServer, target: str, headers: dict[str, str]) -> int:
    """The status for a target that no client would write."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    lines = [f"GET {target} HTTP/1.1", "Host: a", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/orders/1", GOOD, 403),
        ("/orders/1%2Fx", GOOD, 403),
        ("/orders/1%252Fx", GOOD, 403),
        ("/files/secret/y", GOOD, 403),
        ("/files/secret%2fy", GOOD, 403),
        ("/files/x/../secret/y", GOOD, 400),
        ("/files/x/%2e%2E/secret/y", GOOD, 400),
        ("/files/x%2F..%2Fsecret/y", GOOD, 400),
        ("/files/%2e/secret/y", GOOD, 400),
        ("/orders%0A", GOOD, 400),
        ("/files/.x/..y", GOOD, 200),
        ("/v1/health", {}, 200),
        ("/v1%2Fhealth", {}, 401),
        ("/v1/health/../health", {}, 400),
    ],
)
async def test_paths_before_aiohttp(target: str, headers: dict[str, str], status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response()

    routes = {"/orders/{id}": "admin", "/files/secret/*": "admin"}
    app = web.Application(middlewares=[aiohttp_guard(reader_guard(), open_paths={"/v1/health"}, routes=routes)])
    app.router.add_get("/{any:.*}", answer)
    async with TestServer(app) as server:
        assert await aiohttp_answer(server, target, headers) == status


async def asgi_answer(app: Any, path: str, headers: dict[str, str], root: str = "", method: str = "GET") -> int:
    statuses: list[int] = []

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "root_path": root, "query_string": b"", "headers": raw}
    await app(scope, receive, send)
    return statuses[0]


async def hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("")


def starlette_app() -> Starlette:
    guarded = Middleware(AsgiGuard, guard=reader_guard(), open_paths={"/open"}, routes={"/admin": "admin"})
    return Starlette(
        routes=[Route("/admin", hello), Route("/open", hello), Route("/read", hello)], middleware=[guarded]
    )


@pytest.mark.parametrize(
    ("path", "root", "status"),
    [
        ("/admin", "", 403),
        ("/api/admin", "/api", 403),
        ("/admin", "/api", 403),
        ("/admin", "/adm", 403),
        ("/api/read", "/api", 200),
        ("/api/open", "/api", 200),
        ("/admin\n", "", 400),
        ("/x/../admin", "", 400),
    ],
)
async def test_paths_before_starlette(path: str, root: str, status: int) -> None:
    headers = {} if path.endswith("open") else GOOD
    assert await asgi_answer(starlette_app(), path, headers, root) == status
    mounted = Starlette(routes=[Mount("/sub", starlette_app())])
    if not root:
        assert await asgi_answer(mounted, "/sub" + path, headers) == status


async def test_an_application_may_have_a_root_path_of_its_own() -> None:
    """FastAPI says it to itself, and a guard around it cannot see that in a request."""
    app = FastAPI()
    app.root_path = "/api"
    app.get("/admin")(lambda: None)
    guarded = AsgiGuard(app, reader_guard(), open_paths={"/open"}, routes={"/admin": "admin"})
    for path in ("/admin", "/api/admin"):
        assert await asgi_answer(guarded, path, GOOD) == 403
    assert await asgi_answer(guarded, "/api/open", {}) == 401, "of other applications it is a folder (Quart)"


# preflights

PREFLIGHT = {"Origin": "https://spa.example", "Access-Control-Request-Method": "POST"}


@pytest.mark.parametrize(
    ("preflights", "headers", "let_through"),
    [
        (False, PREFLIGHT, False),
        (True, PREFLIGHT, True),
        (True, {name.lower(): value for name, value in PREFLIGHT.items()}, True),
        (True, {"Origin": "https://spa.example"}, False),
        (True, {"Access-Control-Request-Method": "POST"}, False),
        (True, {}, False),
    ],
)
async def test_preflights_reach_an_application_that_asks_for_them(
    preflights: bool, headers: dict[str, str], let_through: bool
) -> None:
    """And no other: whatever does not look at the method would be run without a token."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=204)

    app = web.Application(middlewares=[aiohttp_guard(reader_guard(), preflights=preflights)])
    app.router.add_route("*", "/", answer)
    async with TestClient(TestServer(app)) as http:
        assert (await http.options("/", headers=headers)).status == (204 if let_through else 401)
        assert (await http.get("/", headers=headers)).status == 401
    guarded = AsgiGuard(
        Starlette(routes=[Route("/", hello, methods=["OPTIONS"])]), reader_guard(), preflights=preflights
    )
    for method, status in (("OPTIONS", 200 if let_through else 401), ("POST", 401)):
        assert await asgi_answer(guarded, "/", headers, method=method) == status


async def test_cors_outside_the_guard_answers_preflights() -> None:
    """The order that is documented; pages can read refusals, too."""
    cors = Middleware(CORSMiddleware, allow_origins=["https://spa.example"], allow_headers=["authorization"])
    guarded = Middleware(AsgiGuard, guard=reader_guard())
    app = Starlette(routes=[Route("/", hello)], middleware=[cors, guarded])
    assert await asgi_answer(app, "/", PREFLIGHT | {"Access-Control-Request-Method": "GET"}, method="OPTIONS") == 200
    assert await asgi_answer(app, "/", PREFLIGHT) == 401


# what handlers of aiohttp say themselves


async def test_what_a_handler_needs_is_checked_by_itself() -> None:
    """However it is called: within another function, as a class, and where no guard has checked anything."""

    @needs("admin")
    async def admin(_: object, __: web.Request) -> web.Response:
        raise AssertionError

    @needs("admin")
    class Admin(web.View):
        async def get(self) -> web.Response:
            raise AssertionError

    @needs("read")
    class Reading(web.View):
        @needs("read")
        async def get(self) -> web.Response:
            return web.Response(text=self.request[TOKEN].subject)

    @needs()
    async def anybody(_: web.Request) -> web.Response:
        raise AssertionError

    routes = [
        web.get("/admin", partial(admin, None)),
        web.view("/admins", Admin),
        web.view("/read", Reading),
        web.get("/anybody", anybody),
    ]
    guarded = web.Application(middlewares=[aiohttp_guard(reader_guard(), open_paths={"/anybody"})])
    bare = web.Application()
    for app in (guarded, bare):
        app.add_routes(routes)
    async with TestClient(TestServer(guarded)) as http:
        answers = [await http.get(path, headers=GOOD) for path in ("/admin", "/admins", "/read", "/anybody")]
        assert [answer.status for answer in answers] == [403, 403, 200, 500]
        assert "insufficient_scope" in answers[0].headers["WWW-Authenticate"]
        assert await answers[2].text() == "alice"
    async with TestClient(TestServer(bare)) as http:
        assert {(await http.get(route.path, headers=GOOD)).status for route in routes} == {500}
