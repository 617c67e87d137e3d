"""The guard of resource servers: who is let in, what is remembered, and that what ends is forgotten at once."""

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from service.admin import client_ending, users
from service.app import open_issuer
from service.crypto.key_material import generate
from service.guard import TOKEN, AsgiGuard, Guard, MisconfiguredError, Refused, aiohttp_guard, needs
from service.guard.cache import Cache
from service.guard.routes import Routes
from service.protocol.names import AccessTokenFormat, SigningAlgorithm
from tests.guarded import bearer, request_with
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import CALLBACK, SECRET, World, in_process, settings_for

API = "https://api.example.com"


@pytest.fixture
async def served(redis: Shape) -> AsyncIterator[World]:
    """One whose issuer is where it listens, with a resource server."""
    port = free_port()
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}")
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.client("api", introspect=True, resources=(API,))
        yield world


async def token_of(world: World, **client: Any) -> str:
    made = await world.client(audiences=(API,), **client)
    world.issuer.store.clients.forget(["app"])
    return str((await world.tokens(made, scope="read", audience=(API,)))["access_token"])


@pytest.fixture
async def guards(served: World) -> AsyncIterator[Callable[..., Guard]]:
    made: list[Guard] = []

    def make(kind: str = "introspection", audience: str = API, **options: Any) -> Guard:
        if kind == "jwks":
            guard = Guard.by_jwks(served.issuer.url, audience, **options)
        else:
            guard = Guard.by_introspection(served.issuer.url, audience, "api", SECRET, **options)
        made.append(guard)
        return guard

    yield make
    for guard in made:
        await guard.close()


async def listening(guard: Guard) -> Guard:
    await guard.start()
    async with asyncio.timeout(5):
        while not guard._hears:
            await asyncio.sleep(0.01)
    return guard


async def is_let_in(guard: Guard, token: str) -> bool:
    try:
        await guard.check(**bearer(token))
    except Refused as refused:
        if refused.status != 401:
            raise
        return False
    return True


@pytest.mark.parametrize("kind", ["jwks", "introspection"])
async def test_tokens_of_the_type_jwt_are_let_in_and_id_tokens_are_not(
    served: World, guards: Callable[..., Guard], kind: str
) -> None:
    """``jwt_typ`` of the resource: other APIs of the same audience may refuse at+jwt. A client may be called like an API."""
    look = {API: {"format": "jwt", "jwt_typ": "JWT"}}
    async with served.having(issuer=served.issuer.url, resource_tokens=look) as world:
        client = await world.openid_client(API, audiences=(API,))
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
        code = await world.code(client, scope="openid read", audience=(API,))
        header = {"Authorization": "Basic " + b64encode(f"{quote(API, safe='')}:{SECRET}".encode()).decode()}
        tokens = await (await world.http.post("/token", data=form | {"code": code}, headers=header)).json()
        guard = guards(kind, **({"jwt_typ": "JWT"} if kind == "jwks" else {}))
        assert (await guard.check(**bearer(tokens["access_token"]))).subject == "alice"
        assert not await is_let_in(guard, tokens["id_token"])
        assert await is_let_in(guards(kind), tokens["access_token"]) is (kind == "introspection")


@pytest.mark.parametrize("kind", ["jwks", "introspection"])
async def test_a_good_token_is_let_in(served: World, guards: Callable[..., Guard], kind: str) -> None:
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    found = await guards(kind).check(**bearer(token), scopes={"read"})
    assert (found.subject, found.client_id, found.scopes) == ("alice", "app", frozenset({"read"}))
    with pytest.raises(Refused) as refused:
        await guards(kind).check(**bearer(token, scheme="bearer"), scopes={"read", "write"})
    assert (refused.value.status, refused.value.error) == (403, "insufficient_scope")
    assert "write" in refused.value.headers["WWW-Authenticate"]


@pytest.mark.parametrize("kind", ["jwks", "introspection"])
async def test_a_token_for_another_resource_is_not(served: World, guards: Callable[..., Guard], kind: str) -> None:
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    assert not await is_let_in(guards(kind, "https://other.example.com"), token)


@pytest.mark.parametrize("kind", ["jwks", "introspection"])
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic x", "Bearer x", "Bearer a.b.c", "Bearer ü", "Bearer " + "x" * 9000]
)
async def test_what_is_no_token_is_not(guards: Callable[..., Guard], kind: str, header: str | None) -> None:
    with pytest.raises(Refused) as refused:
        await guards(kind).check(**request_with(header))
    assert refused.value.status == 401
    assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")
    assert ("error" in refused.value.headers["WWW-Authenticate"]) == (header is not None), "RFC 6750 3.1"


async def test_a_refresh_token_is_no_access_token(served: World, guards: Callable[..., Guard]) -> None:
    made = await served.client("api", audiences=(API,), introspect=True, resources=(API,))
    tokens = await served.tokens(made, scope="read", audience=(API,))
    for guard in (guards(), await listening(guards(redis_url=served.redis.url))):
        assert await is_let_in(guard, tokens["access_token"])
        assert not await is_let_in(guard, tokens["refresh_token"]), "though its own client may introspect it"


async def test_forged_jwts_are_not(served: World, guards: Callable[..., Guard]) -> None:
    client: dict[str, Any] = {"access_token_format": AccessTokenFormat.JWT, "scopes": ("openid", "read")}
    good = await token_of(served, **client)
    guard = guards("jwks")
    assert await is_let_in(guard, good)
    header, claims = jwt.get_unverified_header(good), jwt.decode(good, options={"verify_signature": False})
    mine = generate(SigningAlgorithm.RS256, 2048)
    made = await served.client(audiences=(API,), **client)
    id_token = (await served.tokens(made, scope="openid read", audience=(API,)))["id_token"]
    for forged in (
        jwt.encode(claims, mine, "RS256", headers=header),
        jwt.encode(claims, None, "none", headers={**header, "alg": "none"}),  # type: ignore[arg-type]
        jwt.encode(claims, "x" * 64, "HS256", headers={**header, "alg": "HS256"}),
        good[:-4] + "AAAA",
        id_token,
    ):
        assert not await is_let_in(guard, forged)


@pytest.mark.parametrize(
    "claims", [{"exp": 1}, {"aud": "x"}, {"iss": "https://evil.example"}, {"client_id": None}, {"exp": None}]
)
async def test_a_jwt_must_say_all_that_it_must(
    served: World, guards: Callable[..., Guard], claims: dict[str, Any]
) -> None:
    keyring = served.issuer.keyring
    assert keyring is not None
    now = int(time.time())
    told = {
        "iss": served.issuer.url,
        "aud": API,
        "sub": "a",
        "client_id": "app",
        "iat": now,
        "exp": now + 60,
        "jti": "x",
    }
    guard = guards("jwks")
    assert await is_let_in(guard, keyring.sign(SigningAlgorithm.ES256, told, typ="at+jwt"))
    assert not await is_let_in(guard, keyring.sign(SigningAlgorithm.ES256, told))
    changed = {name: value for name, value in (told | claims).items() if value is not None}
    assert not await is_let_in(guard, keyring.sign(SigningAlgorithm.ES256, changed, typ="at+jwt"))


@pytest.mark.parametrize(
    "how", ["token", "refresh token", "grant", "user", "disabled user", "client", "disabled client", "replayed refresh"]
)
async def test_what_ends_is_forgotten_at_once(served: World, guards: Callable[..., Guard], how: str) -> None:
    """The cache has it for a minute; whatever ends it empties that, without the clock."""
    await served.user()
    made = await served.client(audiences=(API,), refresh_grace=0)
    tokens = await served.tokens(made, scope="read", audience=(API,))
    token = tokens["access_token"]
    guard = await listening(guards(redis_url=served.redis.url))
    for _ in range(3):
        assert await is_let_in(guard, token)
    assert len(guard._cache) == 1
    match how:
        case "token":
            await served.revoke(token)
        case "refresh token":
            await served.revoke(tokens["refresh_token"])
        case "grant":
            await served.issuer.store.grants.revoke(token[6:28])
        case "user":
            await served.issuer.store.grants.revoke_user("alice")
        case "disabled user":
            await users.disable_user(served.issuer, "alice")
        case "client":
            await client_ending.revoke_client(served.issuer, "app")
        case "disabled client":
            await client_ending.disable_client(served.issuer, "app")
        case _:
            await served.refresh(tokens["refresh_token"])
            await served.refresh(tokens["refresh_token"])
    served.issuer.store.clients.forget(["app"])
    async with asyncio.timeout(5):
        while len(guard._cache):
            await asyncio.sleep(0.001)
    assert not await is_let_in(guard, token)


async def test_a_revocation_that_overlaps_the_question_is_not_missed(
    served: World, guards: Callable[..., Guard]
) -> None:
    """Raced: asked, answered, ended, told, in whatever order; in the end nobody believes the old answer."""
    guard = await listening(guards(redis_url=served.redis.url))
    client = await served.client(audiences=(API,))
    for number in range(60):
        token = (await served.tokens(client, scope="read", audience=(API,)))["access_token"]

        async def end(token: str = token, wait: float = number % 10 / 3000) -> None:
            await asyncio.sleep(wait)
            await served.revoke(token)

        await asyncio.gather(is_let_in(guard, token), is_let_in(guard, token), end())
        async with asyncio.timeout(5):
            while await is_let_in(guard, token):
                await asyncio.sleep(0.001)


async def test_nothing_is_remembered_while_nothing_is_heard(served: World, guards: Callable[..., Guard]) -> None:
    token = await token_of(served)
    deaf = guards(redis_url="redis://127.0.0.1:1/0")
    assert await is_let_in(deaf, token)
    assert len(deaf._cache) == 0
    guard = await listening(guards(redis_url=served.redis.url))
    assert await is_let_in(guard, token)
    guard._hearing(False)
    assert len(guard._cache) == 0


async def test_without_channels_answers_are_remembered_only_on_request(
    served: World, guards: Callable[..., Guard]
) -> None:
    token = await token_of(served)
    forgetful, patient = guards(), guards(cache_seconds=60)
    for guard in (forgetful, patient):
        assert await is_let_in(guard, token)
    assert (len(forgetful._cache), len(patient._cache)) == (0, 1)


async def test_the_same_question_is_asked_once(served: World, guards: Callable[..., Guard]) -> None:
    token = await token_of(served)
    guard = guards(cache_seconds=60)
    asked = 0
    fetched = guard._fetched

    async def counting(ask: Any) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return await fetched(ask)

    guard._fetched = counting  # type: ignore[method-assign]
    assert all(await asyncio.gather(*(is_let_in(guard, token) for _ in range(20))))
    assert asked == 2, "the metadata and the token"


async def test_a_service_that_is_away_is_503() -> None:
    for guard in (
        Guard.by_jwks("http://127.0.0.1:1", API),
        Guard.by_introspection("http://127.0.0.1:1", API, "api", "x"),
    ):
        head = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ"
        with pytest.raises(Refused) as refused:
            await guard.check(**bearer(f"{head}.e30.AAAA"))
        assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "1"})
        await guard.close()


async def test_keys_are_used_while_they_cannot_be_read_again(served: World, guards: Callable[..., Guard]) -> None:
    """And an issuer that is away is not asked for each forged kid."""
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    guard = guards("jwks")
    assert await is_let_in(guard, token)
    asked = 0

    async def hanging(_: Any) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        raise TimeoutError

    guard._fetched = hanging  # type: ignore[assignment, method-assign]
    guard._keys_read_at -= 1000
    guard._keys_again_at = 0.0
    for _ in range(20):
        assert await is_let_in(guard, token)
        head = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImZvcmdlZCJ9"
        with pytest.raises(Refused):
            await guard.check(**bearer(f"{head}.e30.AAAA"))
    assert asked == 1


async def test_a_key_of_a_kind_that_nobody_knows_yet_is_passed_over(
    served: World, guards: Callable[..., Guard]
) -> None:
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    guard = guards("jwks")
    fetched = guard._fetched

    async def with_others(ask: Any) -> dict[str, Any]:
        found = await fetched(ask)
        if "keys" in found:
            found["keys"][:0] = [{"kty": "AKP", "alg": "ML-DSA-65", "kid": "pq"}, {"kty": "EC", "kid": "half"}]
        return found

    guard._fetched = with_others  # type: ignore[method-assign]
    assert await is_let_in(guard, token)


async def test_who_asks_after_the_news_joins_no_older_question(served: World, guards: Callable[..., Guard]) -> None:
    token = await token_of(served)
    guard = await listening(guards(redis_url=served.redis.url))
    fetched, answered = guard._fetched, asyncio.Event()

    async def slow(ask: Any) -> dict[str, Any]:
        found = await fetched(ask)
        await answered.wait()
        return found

    guard._fetched = slow  # type: ignore[method-assign]
    older = asyncio.ensure_future(is_let_in(guard, token))
    await asyncio.sleep(0.1)
    news = guard._cache.news
    await served.revoke(token)
    async with asyncio.timeout(5):
        while guard._cache.news == news:
            await asyncio.sleep(0.001)
    newer = asyncio.ensure_future(is_let_in(guard, token))
    await asyncio.sleep(0.1)
    answered.set()
    await older
    assert not await newer


async def test_an_issuer_that_calls_itself_otherwise_is_not_believed(served: World) -> None:
    token = await token_of(served)
    guard = Guard.by_introspection(served.issuer.url + "/", API, "api", SECRET)
    with pytest.raises(Refused) as refused:
        await guard.check(**bearer(token))
    assert refused.value.status == 503
    await guard.close()


def test_the_cache_is_bounded_and_ends_by_time() -> None:
    now = 0.0
    cache = Cache(3, lambda: now)
    for number in range(10):
        cache.keep(bytes([number]), {"jti": f"{number:022d}", "client_id": "app"}, 5)
    assert len(cache) == 3
    assert cache.get(bytes([9])) is not None
    cache.forget_grant(f"{9:022d}")
    assert cache.get(bytes([9])) is None
    now = 5.0
    assert cache.get(bytes([8])) is None
    cache.forget_client("app")
    assert (len(cache), cache._of) == (0, {})


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
            assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")


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
    guard = Guard.by_introspection(url, API, "api", secret)
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
    guard = Guard.by_introspection(f"http://127.0.0.1:{free_port()}", API, "api", SECRET)
    await guard.start()
    assert "cannot be asked yet" in caplog.text
    await guard.close()


# which requests need what

PREFLIGHT = {"Origin": "https://spa.example", "Access-Control-Request-Method": "POST"}


@pytest.mark.parametrize(
    ("headers", "let_through"),
    [
        (PREFLIGHT, True),
        ({name.lower(): value for name, value in PREFLIGHT.items()}, True),
        ({"Origin": "https://spa.example"}, False),
        ({"Access-Control-Request-Method": "POST"}, False),
        ({}, False),
    ],
)
async def test_a_preflight_needs_no_token(
    guards: Callable[..., Guard], headers: dict[str, str], let_through: bool
) -> None:
    """An API's own CORS middleware sits inside the guard."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=204)

    app = web.Application(middlewares=[aiohttp_guard(guards(), {"read"})])
    app.router.add_route("*", "/", answer)
    async with TestClient(TestServer(app)) as http:
        assert (await http.options("/", headers=headers)).status == (204 if let_through else 401)
        assert (await http.get("/", headers=headers)).status == 401
    seen: list[Any] = []

    async def inner(scope: Any, *_: Any) -> None:
        seen.append(scope["method"])

    async def send(message: Any) -> None: ...

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    for method in ("OPTIONS", "POST"):
        scope = {"type": "http", "method": method, "path": "/", "headers": raw}
        await AsgiGuard(inner, guards(), {"read"})(scope, None, send)  # type: ignore[arg-type]
    assert seen == (["OPTIONS"] if let_through else [])


ROUTES = {
    "GET /orders": "read",
    "POST /orders/{id}": ("write",),
    "/admin/*": {"admin", "read"},
    "/{shop}/stock": ["read"],
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
    ],
)
def test_scopes_by_route(method: str, path: str, needed: str) -> None:
    assert Routes((), ROUTES).needed(method, path) == set(needed.split())
    assert Routes("base", ROUTES).needed(method, path) == {"base", *needed.split()}


@pytest.mark.parametrize("route", ["orders", "get /orders", "GET  /orders", "/a/*/b", ""])
def test_what_is_no_route_is_told_when_it_is_written(route: str) -> None:
    with pytest.raises(ValueError, match="is no route"):
        Routes((), {route: "read"})


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
