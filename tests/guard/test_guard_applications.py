"""The guard before aiohttp and ASGI applications: who is let in, and what it says at the start."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from mintmark_guard import Guard, MisconfiguredError, Refused
from mintmark_guard.aiohttp import TOKEN, aiohttp_guard, needs
from mintmark_guard.asgi import AsgiGuard
from service.protocol.names import AccessTokenFormat
from tests.guard.guarding import API, is_let_in, token_of
from tests.guarded import bearer
from tests.server_process import free_port
from tests.world import SECRET, World

# middlewares


async def test_before_aiohttp_handlers(served: World, guards: Callable[..., Guard]) -> None:
    async def hello(request: web.Request) -> web.Response:
        return web.json_response({"hello": request[TOKEN].subject if TOKEN in request else None})

    app = web.Application(middlewares=[aiohttp_guard(guards(), {"read"}, open_paths={"/open"})])
    app.router.add_get("/", hello)
    app.router.add_get("/open", hello)
    token = await token_of(served)
    async with TestClient(TestServer(app)) as http:
        assert await (await http.get("/", headers={"Authorization": f"Bearer {token}"})).json() == {"hello": "alice"}
        assert (await http.get("/open")).status == 200
        for path in ("/", "/open/", "/missing"):
            refused = await http.get(path)
            assert (refused.status, refused.headers["WWW-Authenticate"]) == (
                401,
                f'Bearer scope="read", resource_metadata="{API}/.well-known/oauth-protected-resource",'
                ' DPoP algs="ES256 PS256 EdDSA ES384"',
            )


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_before_an_asgi_application(served: World, guards: Callable[..., Guard], kind: str) -> None:
    seen: list[Any] = []
    sent: list[Any] = []

    async def app(scope: Any, *_: Any) -> None:
        seen.append(scope["mintmark_token"].subject if "mintmark_token" in scope else scope["type"])

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    guarded = AsgiGuard(app, guards(), {"read"}, open_paths={"/open"})
    good = (b"authorization", f"Bearer {await token_of(served)}".encode())
    await guarded({"type": kind, "path": "/", "headers": [good]}, receive, send)
    await guarded({"type": kind, "path": "/open", "headers": []}, receive, send)
    await guarded({"type": "lifespan"}, receive, send)
    assert (seen, sent) == (["alice", kind, "lifespan"], [])
    for headers in ([], [good, good], [(b"authorization", b"Bearer x")], [(b"authorization", b"\xff")]):
        await guarded({"type": kind, "path": "/", "headers": headers}, receive, send)
        first, *rest = sent
        if kind == "websocket":
            assert first == {"type": "websocket.close", "code": 1008}
        else:
            assert first["status"] == 401
            assert dict(first["headers"])[b"www-authenticate"].startswith(b"Bearer")
            assert json.loads(rest[0]["body"])["error"]
        sent.clear()
    assert len(seen) == 3


# what its operator gets to read


@pytest.mark.parametrize("kind", ["jwks", "introspection"])
async def test_who_refuses_a_token_for_its_audience_says_which_is_wanted(
    served: World, guards: Callable[..., Guard], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller reads what is wanted, the operator of the API also what the token has."""
    made = await served.client("api", introspect=True, resources=(API,), access_token_format=AccessTokenFormat.JWT)
    without = (await served.tokens(made, scope="read", audience=()))["access_token"]  # its own client may look at it
    with pytest.raises(Refused) as refused:
        await guards(kind).check(**bearer(without))
    assert (refused.value.status, refused.value.error) == (401, "invalid_token")
    assert API in refused.value.headers["WWW-Authenticate"]
    assert API in json.loads(refused.value.body)["error_description"]
    assert "client api was refused" in caplog.text
    assert f"{API} is wanted" in caplog.text
    assert without not in caplog.text


async def test_an_inactive_token_is_refused_with_the_audience_that_is_wanted(guards: Callable[..., Guard]) -> None:
    with pytest.raises(Refused) as refused:
        await guards(audience='urn:"api"').check(**bearer("mm_at_" + "x" * 65))
    assert "urn:?api?" in refused.value.headers["WWW-Authenticate"], "no quote ends the parameter (RFC 6750 3)"


@pytest.mark.parametrize("issuer", [True, False], ids=["wrong secret", "wrong name of the issuer"])
async def test_wrong_credentials_are_told_at_the_start(
    served: World, issuer: bool, caplog: pytest.LogCaptureFixture
) -> None:
    url, secret = (served.issuer.url, "wrong") if issuer else (served.issuer.url + "/", SECRET)
    guard = Guard(url, API, client_id="api", client_secret=secret)
    with pytest.raises(MisconfiguredError, match="client 'api'" if issuer else "calls itself"):
        await guard.start()
    assert "guard: " in caplog.text
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def app(*_: Any) -> None:
        raise AssertionError

    await AsgiGuard(app, guard)({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    await guard.close()


async def test_a_service_that_is_away_is_no_reason_not_to_start(caplog: pytest.LogCaptureFixture) -> None:
    guard = Guard(f"http://127.0.0.1:{free_port()}", API, client_id="api", client_secret=SECRET)
    await guard.start()
    assert "cannot be asked yet" in caplog.text
    await guard.close()


# which requests need what


async def test_each_handler_may_need_more(served: World, guards: Callable[..., Guard]) -> None:
    @needs("write")
    async def write(request: web.Request) -> web.Response:
        return web.json_response(sorted(request[TOKEN].scopes))

    class Both(web.View):
        async def get(self) -> web.Response:
            return web.Response()

        @needs("write")
        async def post(self) -> web.Response:
            return web.Response()

    async def read(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application(middlewares=[aiohttp_guard(guards(), "read", routes={"/admin/*": ["admin"]})])
    app.add_routes([web.post("/write", write), web.view("/both", Both), web.get("/read", read)])
    app.router.add_get("/admin/{what}", read)
    header = {"Authorization": f"Bearer {await token_of(served)}"}
    async with TestClient(TestServer(app)) as http:
        assert (await http.get("/read", headers=header)).status == 200
        assert (await http.get("/both", headers=header)).status == 200
        for asked, scope in (
            (http.post("/write", headers=header), "write"),
            (http.post("/both", headers=header), "write"),
        ):
            refused = await asked
            assert (refused.status, scope in refused.headers["WWW-Authenticate"]) == (403, True)
        assert (await http.get("/admin/users", headers=header)).status == 403


async def test_two_authorization_headers_are_none(guards: Callable[..., Guard]) -> None:
    headers = CIMultiDict([("Authorization", "Bearer a"), ("AUTHORIZATION", "Bearer b")])
    with pytest.raises(Refused) as refused:
        await guards().check(method="GET", url=API, headers=headers)
    assert (refused.value.status, refused.value.description) == (401, "More than one Authorization header.")


async def test_a_log_says_where_a_token_for_another_api_came_and_not_its_query(
    served: World, guards: Callable[..., Guard], caplog: pytest.LogCaptureFixture
) -> None:
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    assert not await is_let_in(guards("jwks", "https://other.example.com"), token)
    assert "refused at GET https://api.example.com/orders: it is for" in caplog.text
    assert "secret" not in caplog.text
