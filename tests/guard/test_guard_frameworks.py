"""The guard in frameworks as they are: FastAPI on uvicorn, Flask and Django on threads."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated

import pytest
from aiohttp import ClientSession
from django.conf import settings as django_settings
from django.http import HttpRequest, JsonResponse
from django.test import AsyncRequestFactory, RequestFactory
from django.utils.decorators import method_decorator
from django.views import View
from fastapi import Depends, FastAPI
from flask import Flask
from werkzeug.serving import make_server
from yarl import URL

from mintmark_guard import DpopPolicy, Guard, Token
from mintmark_guard.django import DjangoGuard
from mintmark_guard.fastapi import FastAPIGuard
from mintmark_guard.flask import FlaskGuard
from mintmark_guard.wsgi import request_of
from service.protocol.names import AccessTokenFormat
from tests.dpop import Prover
from tests.guard.guarding import API, token_of, uvicorn_of
from tests.guard.test_guard_dpop import bound_token
from tests.world import World

METADATA = "/.well-known/oauth-protected-resource"
KINDS = ["jwks", "introspection"]


async def bearer(world: World) -> dict[str, str]:
    return {"Authorization": f"Bearer {await token_of(world, access_token_format=AccessTokenFormat.JWT)}"}


# FastAPI


def fastapi_app(guard: FastAPIGuard) -> FastAPI:
    app = FastAPI()
    app.include_router(guard.router)

    @app.get("/orders")
    async def orders(token: Annotated[Token, Depends(guard.needs("read"))]) -> dict[str, str]:
        return {"hello": token.subject}

    @app.post("/orders", dependencies=[Depends(guard.needs("read write", max_age=60))])
    async def order() -> None: ...

    @app.get("/open")
    async def nothing() -> None: ...

    return app


@pytest.mark.parametrize("kind", KINDS)
async def test_fastapi(served: World, guards: Callable[..., Guard], kind: str) -> None:
    guard = FastAPIGuard(guards(kind, metadata={"resource_name": "Orders"}))
    headers = await bearer(served)
    async with uvicorn_of(fastapi_app(guard)) as url, ClientSession(url) as http:
        async with http.get("/orders", headers=headers) as answer:
            assert (answer.status, await answer.json()) == (200, {"hello": "alice"})
        async with http.post("/orders", headers=headers) as answer:
            assert answer.status == 403
            for member in ('error="insufficient_scope"', 'scope="read write"'):
                assert member in answer.headers["WWW-Authenticate"]
            assert (await answer.json())["detail"]["error"] == "insufficient_scope"
        for wrong in ({}, {"Authorization": "Bearer x"}):
            async with http.get("/orders", headers=wrong) as answer:
                assert answer.status == 401
                assert f'resource_metadata="{API}{METADATA}"' in answer.headers["WWW-Authenticate"]
        assert (await http.get("/open")).status == 200
        async with http.get(METADATA) as answer:
            assert (await answer.json())["resource_name"] == "Orders"


async def test_fastapi_documents_what_its_operations_need(served: World, guards: Callable[..., Guard]) -> None:
    """With the endpoints that discovery names, from the first moment."""
    guard = FastAPIGuard(guards("jwks"), {"read": "Read orders"})
    async with uvicorn_of(fastapi_app(guard)) as url, ClientSession(url) as http:
        document = await (await http.get("/openapi.json")).json()
        discovered = await (await served.http.get("/.well-known/openid-configuration")).json()
    scheme = document["components"]["securitySchemes"]["oauth2"]
    scopes = {"read": "Read orders", "write": ""}
    assert scheme["type"] == "oauth2"
    assert scheme["flows"]["authorizationCode"] == {
        "authorizationUrl": discovered["authorization_endpoint"],
        "tokenUrl": discovered["token_endpoint"],
        "scopes": scopes,
    }
    assert scheme["flows"]["clientCredentials"]["scopes"] == scopes
    assert document["paths"]["/orders"]["get"]["security"] == [{"oauth2": ["read"]}]
    assert document["paths"]["/orders"]["post"]["security"] == [{"oauth2": ["read", "write"]}]
    assert "security" not in document["paths"]["/open"]["get"]
    assert METADATA not in document["paths"]


async def test_tests_of_a_fastapi_application_do_without_tokens() -> None:
    """By the dependency, which is the same for the same needs."""
    guard = FastAPIGuard(Guard("http://127.0.0.1:1", API))
    app = fastapi_app(guard)
    app.dependency_overrides[guard.needs("read")] = lambda: Token({"sub": "somebody", "scope": "read"})
    async with uvicorn_of(app) as url, ClientSession(url) as http:
        assert await (await http.get("/orders")).json() == {"hello": "somebody"}
        assert (await http.post("/orders")).status == 401


# Flask


def flask_app(guard: FlaskGuard) -> Flask:
    app = Flask(__name__)
    guard.init_app(app)

    @app.get("/orders")
    @guard.needs("read")
    def orders() -> dict[str, str]:
        return {"hello": guard.token.subject}

    @app.post("/orders")
    @guard.needs("write")
    def order() -> dict[str, str]:
        raise AssertionError

    return app


@pytest.mark.parametrize("kind", KINDS)
async def test_flask(served: World, guards: Callable[..., Guard], kind: str) -> None:
    guard = FlaskGuard(guards(kind))
    headers = await bearer(served)
    client = flask_app(guard).test_client()

    def ask() -> None:
        answer = client.get("/orders?secret=1", headers=headers)
        assert (answer.status_code, answer.json) == (200, {"hello": "alice"})
        answer = client.post("/orders", headers=headers)
        assert (answer.status_code, answer.json["error"] if answer.json else "") == (403, "insufficient_scope")
        for wrong in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"{headers['Authorization']},Bearer x"}):
            answer = client.get("/orders", headers=wrong)
            assert answer.status_code == 401
            assert f'resource_metadata="{API}{METADATA}"' in answer.headers["WWW-Authenticate"]
        answer = client.get(METADATA)
        assert (answer.status_code, answer.json["resource"] if answer.json else "") == (200, API)

    await asyncio.to_thread(ask)
    await asyncio.to_thread(guard.blocking.close)


def test_flask_decorators_in_the_wrong_order_are_noticed() -> None:
    """Above the route the decorator would protect nothing."""
    app = Flask(__name__)
    guard = FlaskGuard(Guard("https://tokens.example.com", API), app)
    with pytest.raises(TypeError, match="orders is a route already"):

        @guard.needs("read")
        @app.get("/orders")
        def orders() -> str:
            raise AssertionError


async def test_threads_of_flask_share_a_guard(served: World, guards: Callable[..., Guard]) -> None:
    """Many at once, from a cold start, with a memory that holds fewer than there are."""
    guard = FlaskGuard(guards(cache_seconds=60, cache_size=2))
    app = flask_app(guard)
    client = await served.client(audiences=(API,))
    tokens = [(await served.tokens(client, scope="read", audience=(API,)))["access_token"] for _ in range(4)]

    def ask(number: int) -> int:
        headers = {"Authorization": f"Bearer {tokens[number % 4]}"}
        return app.test_client().get("/orders", headers=headers).status_code

    assert set(await asyncio.gather(*(asyncio.to_thread(ask, number) for number in range(200)))) == {200}
    await asyncio.to_thread(guard.blocking.close)
    assert await asyncio.to_thread(ask, 0) == 200, "it begins anew"
    await asyncio.to_thread(guard.blocking.close)


# Django


def django() -> None:
    if not django_settings.configured:
        django_settings.configure()


@pytest.mark.parametrize("kind", KINDS)
async def test_django(served: World, guards: Callable[..., Guard], kind: str) -> None:
    django()
    guard = DjangoGuard(guards(kind))

    @guard.needs("read")
    def orders(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"hello": guard.token(request).subject})

    @guard.needs("read")
    async def orders_async(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"hello": guard.token(request).subject})

    headers, make, make_async = await bearer(served), RequestFactory(), AsyncRequestFactory()
    answer = await asyncio.to_thread(orders, make.post("/orders?secret=1", headers=headers))
    assert (answer.status_code, json.loads(answer.content)) == (200, {"hello": "alice"})
    answer = await orders_async(make_async.get("/orders", headers=headers))
    assert (answer.status_code, json.loads(answer.content)) == (200, {"hello": "alice"})
    refused = [await asyncio.to_thread(orders, make.get("/orders")), await orders_async(make_async.get("/orders"))]
    for answer in refused:
        assert answer.status_code == 401
        assert f'resource_metadata="{API}{METADATA}"' in answer["WWW-Authenticate"]
    assert orders.csrf_exempt  # type: ignore[attr-defined]
    metadata = guard.urls[0].callback(make.get(METADATA))
    assert json.loads(metadata.content)["authorization_servers"] == [served.issuer.url]
    await asyncio.to_thread(guard.blocking.close)


@pytest.mark.parametrize("is_async", [False, True])
async def test_classes_of_django(served: World, guards: Callable[..., Guard], is_async: bool) -> None:
    """``dispatch`` is decorated; that of a class with coroutines is awaited, refusals included."""
    django()
    guard = DjangoGuard(guards("introspection", dpop=DpopPolicy(nonce_secret="s")))

    @method_decorator(guard.needs("read"), name="dispatch")
    class Orders(View):
        def get(self, request: HttpRequest) -> JsonResponse:
            return JsonResponse({"hello": guard.token(request).subject})

    @method_decorator(guard.needs("read"), name="dispatch")
    class AsyncOrders(View):
        async def get(self, request: HttpRequest) -> JsonResponse:
            return JsonResponse({"hello": guard.token(request).subject})

    for headers, status in ((await bearer(served), 200), ({}, 401)):
        if is_async:
            answer = await AsyncOrders.as_view()(AsyncRequestFactory().get("/", headers=headers))
        else:
            answer = await asyncio.to_thread(Orders.as_view(), RequestFactory().get("/", headers=headers))
        assert (answer.status_code, "DPoP-Nonce" in answer) == (status, True)
    await asyncio.to_thread(guard.blocking.close)


# tokens that are bound to a key


@asynccontextmanager
async def werkzeug_of(app: Flask) -> AsyncIterator[str]:
    """Serve a WSGI application on threads; where."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = asyncio.ensure_future(asyncio.to_thread(server.serve_forever))
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    await serving


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
async def test_tokens_that_are_bound_to_a_key(served: World, guards: Callable[..., Guard], framework: str) -> None:
    """The proof is checked for the path as it is written; every answer carries the nonce for the next one."""
    core, prover = guards("jwks", dpop=DpopPolicy(public_url=API, nonce_secret="of the API")), Prover()
    token, nonce = await bound_token(served, prover), core.headers()["DPoP-Nonce"]
    flask, fastapi = FlaskGuard(core), FastAPIGuard(core)
    flask_app, fastapi_app = Flask(__name__), FastAPI()

    def echo(path: str) -> str:
        return path

    flask_app.add_url_rule("/<path:path>", "any", flask.needs("read")(echo))
    fastapi_app.add_api_route("/{path:path}", echo, dependencies=[Depends(fastapi.needs("read"))])
    path = "/orders%2F1/a%20b"
    good = prover.with_token(token, url=API + path, nonce=nonce)
    other = prover.with_token(token, url=API + "/orders/1/a%20b", nonce=nonce)
    serving = werkzeug_of(flask_app) if framework == "flask" else uvicorn_of(fastapi_app)
    async with serving as url, ClientSession() as http:
        for headers, status in ((good, 200), (good, 401), (other, 401)):
            answer = await http.get(URL(url + path, encoded=True), headers=headers)
            assert (answer.status, answer.headers["DPoP-Nonce"]) == (status, nonce), await answer.text()
    await asyncio.to_thread(flask.blocking.close)


@pytest.mark.parametrize("framework", ["fastapi", "flask", "django"])
async def test_a_proof_counts_once_however_often_its_request_is_checked(
    served: World, guards: Callable[..., Guard], framework: str
) -> None:
    """A router needs something, an operation more; the second request needs a proof of its own."""
    core, prover = guards("jwks", dpop=DpopPolicy(trust_host=True)), Prover()
    token = await bound_token(served, prover)
    flask, fastapi, django_guard = FlaskGuard(core), FastAPIGuard(core), DjangoGuard(core)
    flask_app, fastapi_app = Flask(__name__), FastAPI(dependencies=[Depends(fastapi.needs("read"))])

    @fastapi_app.get("/good", dependencies=[Depends(fastapi.needs("read", max_age=600))])
    async def operation() -> None: ...

    @flask_app.get("/good")
    @flask.needs("read")
    @flask.needs("read", max_age=600)
    def view() -> str:
        return ""

    @django_guard.needs("read")
    @django_guard.needs("read", max_age=600)
    def answer(_: HttpRequest) -> JsonResponse:
        return JsonResponse({})

    def ask_flask(headers: dict[str, str]) -> int:
        with flask_app.app_context():
            return flask_app.test_client().get("/good", headers=headers).status_code

    async def ask(headers: dict[str, str]) -> int:
        if framework == "flask":
            return await asyncio.to_thread(ask_flask, headers)
        status: int = (await asyncio.to_thread(answer, RequestFactory().get("/good", headers=headers))).status_code
        return status

    if framework == "fastapi":
        async with uvicorn_of(fastapi_app) as url, ClientSession() as http:
            headers = prover.with_token(token, url=f"{url}/good")
            statuses = [(await http.get(f"{url}/good", headers=headers)).status for _ in range(2)]
    else:
        django()
        host = "localhost" if framework == "flask" else "testserver"
        headers = prover.with_token(token, url=f"http://{host}/good")
        headers |= {"Host": host}
        statuses = [await ask(headers) for _ in range(2)]
    assert statuses == [200, 401]
    for guard in (flask, django_guard):
        await asyncio.to_thread(guard.blocking.close)


def test_a_server_that_only_passes_on_the_decoded_path() -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "wsgi.url_scheme": "https",
        "HTTP_HOST": "a.example",
        "PATH_INFO": "/a b/\xc3\xa9",
    }
    assert request_of(environ | {"SCRIPT_NAME": "/v1"}).url == "https://a.example/v1/a%20b/%C3%A9"
    assert request_of(environ | {"REQUEST_URI": "/v1/a%20b?x=1"}).url == "https://a.example/v1/a%20b?x=1"
