"""How a request must come in, and how answers go out: method, transport, content type, paths, incidents."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from service.endpoints.metadata import PATH as METADATA
from service.fronts import receiving
from tests.patience import PATIENCE
from tests.wire import check_shape, form_post, request, send
from tests.world import FORM, SECRET, World, basic, error_of

GRANT = {"grant_type": "client_credentials"}

BODY = b"grant_type=client_credentials"
AUTHORIZATION = b"Authorization: " + basic("app")["Authorization"].encode()
PATHS = ["/token", "/introspect", "/revoke"]
WEBMETHODS = "/invoke/pub.oauth/getAccessToken"


# content type (IT-10)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        pytest.param(FORM, 200, id="a form"),
        pytest.param(FORM + ";charset=UTF-8", 200, id="UTF-8"),
        pytest.param(FORM + '; charset="utf-8"', 200, id="UTF-8 in quotes"),
        pytest.param("Application/X-WWW-Form-Urlencoded", 200, id="another case"),
        pytest.param(FORM + "; charset=iso-8859-1", 415, id="another charset"),
        pytest.param("application/json", 415, id="JSON"),
        pytest.param("multipart/form-data; boundary=x", 415, id="a multipart form"),
        pytest.param("text/plain", 415, id="text"),
        pytest.param(FORM + "x", 415, id="nearly a form"),
        pytest.param(FORM + ", application/json", 415, id="two types"),
        pytest.param("", 415, id="empty"),
        pytest.param(None, 415, id="none"),
    ],
)
@pytest.mark.parametrize("path", PATHS)
async def test_only_forms_in_utf_8_are_read(world: World, path: str, content_type: str | None, status: int) -> None:
    """IT-10: 415 says it better than 400, the error is the same."""
    await world.client()
    headers = [] if content_type is None else [b"Content-Type: " + content_type.encode()]
    body = BODY + b"&token=x"
    data = request(b"POST", path.encode(), b"Content-Length: %d" % len(body), AUTHORIZATION, *headers) + body
    answer = await send(world.http, data)
    assert answer.status == status
    if status == 415:
        assert answer.error == (415, "invalid_request")
    check_shape(answer)


async def test_a_json_body_is_refused_even_if_it_says_it_is_a_form(world: World) -> None:
    await world.client()
    body = orjson.dumps(GRANT | {"client_id": "app", "client_secret": SECRET})
    assert (await send(world.http, form_post(b"/token", body))).error == (400, "invalid_request")


# parameters (IT-18)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BODY + b"&" + BODY, id="IT-18 grant_type twice"),
        pytest.param(BODY + b"&token=x&token=y", id="IT-18 a token twice"),
        pytest.param(BODY + b"&token=x&client_id=app&client_id=app", id="IT-18 client_id twice"),
        pytest.param(BODY + b"&token=x&unknown=1&unknown=", id="IT-18 an unknown one twice, once empty"),
        pytest.param(
            BODY + b"&token=x" + b"".join(b"&p%d=1" % number for number in range(1000)), id="1,000 parameters"
        ),
        pytest.param(BODY + b"&token=x%00", id="NUL"),
        pytest.param(BODY + b"&token=%ff", id="not UTF-8"),
        pytest.param(b"\x00\xff" * 1000, id="no form at all"),
    ],
)
async def test_a_malformed_form_is_an_invalid_request(world: World, path: str, body: bytes) -> None:
    await world.client()
    answer = await send(world.http, form_post(path.encode(), body, AUTHORIZATION))
    assert answer.error == (400, "invalid_request")
    check_shape(answer)


async def test_unknown_parameters_are_ignored_and_empty_ones_absent(world: World) -> None:
    """RFC 6749 section 3.2."""
    await world.client()
    response = await world.token(**GRANT, scope="", client_secret="", code_verifier="", foo="bar", __proto__="x")
    assert (response.status, (await response.json())["scope"]) == (200, "read")


async def test_a_password_may_hold_any_character(world: World) -> None:
    """RFC 6749 appendix B: UTF-8, then form-urlencoded."""
    await world.client()
    await world.user("ünï", "pä&ss=+% 🔑")
    response = await world.token(grant_type="password", username="ünï", password="pä&ss=+% 🔑")
    assert response.status == 200


# size


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("length", "refused"), [(65536, False), (65537, True), (1_000_000, True)])
async def test_a_body_of_64_kib_is_the_largest(world: World, path: str, length: int, refused: bool) -> None:
    await world.client()
    body = BODY + b"&token=x&a="
    answer = await send(world.http, form_post(path.encode(), body + b"x" * (length - len(body)), AUTHORIZATION))
    assert answer.status == (413 if refused else 200)
    check_shape(answer)


async def test_a_chunked_body_over_the_limit_is_refused_before_it_ends(world: World) -> None:
    """Nobody fills the memory by not saying how much will come."""
    await world.client()
    chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
    head = request(b"POST", b"/token", AUTHORIZATION, b"Content-Type: " + FORM.encode(), b"Transfer-Encoding: chunked")
    answer = await send(world.http, head + chunk * 17)  # and the end never comes
    assert answer.error == (413, "invalid_request")


async def test_the_limit_is_a_setting(world: World) -> None:
    await world.client()
    async with world.having(max_body=1024) as small:
        assert (await small.token(**GRANT, a="x" * 900)).status == 200
        assert await error_of(await small.token(**GRANT, a="x" * 1024)) == (413, "invalid_request")


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate"])
async def test_a_content_encoding_is_refused_lie_or_not(world: World, encoding: bytes) -> None:
    await world.client()
    answer = await send(world.http, form_post(b"/token", BODY, AUTHORIZATION, b"Content-Encoding: " + encoding))
    assert answer.error == (415, "invalid_request")
    check_shape(answer)


# method (WM-24)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
async def test_post_is_the_only_method(world: World, method: str, path: str) -> None:
    """WM-24; RFC 6749 section 3.2, RFC 9110 section 15.5.6."""
    await world.client()
    response = await world.http.request(method, path, data=GRANT, headers=basic("app"))
    assert (response.status, response.headers["Allow"]) == (405, "POST")
    if method != "HEAD":
        assert (await response.json())["error"] == "invalid_request"


async def test_get_is_allowed_where_a_setting_says_so(world: World) -> None:
    """WM-24: at the token endpoint only; everything else holds as for POST."""
    await world.client()
    async with world.having(token_require_post=False) as lax:

        async def get(path: str, query: list[tuple[str, str]]) -> Any:
            return await lax.http.get(f"{path}?{urlencode(query)}", headers=basic("app"))

        response = await get("/token", [*GRANT.items(), ("scope", "read write")])
        assert (response.status, (await response.json())["scope"]) == (200, "read write")
        assert response.headers["Cache-Control"] == "no-store"
        assert await error_of(await get("/token", [*GRANT.items(), *GRANT.items()])) == (400, "invalid_request")
        assert (await lax.token(**GRANT)).status == 200
        assert (await lax.http.put("/token")).headers["Allow"] == "POST, GET"
        assert (await get("/introspect", [("token", "x")])).status == 405


# transport (IT-13, WM-23)


@pytest.mark.parametrize(
    ("settings", "forwarded", "status"),
    [
        pytest.param({}, None, 200, id="plain HTTP, loopback issuer"),
        pytest.param({"issuer": "https://mint.example"}, None, 400, id="plain HTTP"),
        pytest.param({"issuer": "https://mint.example"}, "https", 400, id="somebody says it was https"),
        pytest.param(
            {"issuer": "https://mint.example", "trusted_proxies": ("127.0.0.1",)}, "https", 200, id="a proxy says https"
        ),
        pytest.param(
            {"issuer": "https://mint.example", "trusted_proxies": ("127.0.0.1",)}, "http", 400, id="a proxy says http"
        ),
        pytest.param(
            {"issuer": "https://mint.example", "trusted_proxies": ("127.0.0.1",)}, None, 400, id="a proxy says nothing"
        ),
        pytest.param(
            {"issuer": "https://mint.example", "trusted_proxies": ("10.0.0.0/8",)}, "https", 400, id="another proxy"
        ),
        pytest.param({"issuer": "https://mint.example", "require_https": False}, None, 200, id="WM-23 turned off"),
        pytest.param({"issuer": "http://mint.example", "require_https": False}, None, 200, id="an http issuer"),
    ],
)
@pytest.mark.parametrize("path", PATHS)
async def test_https_is_required(
    world: World, path: str, settings: dict[str, Any], forwarded: str | None, status: int
) -> None:
    """IT-13, WM-23."""
    await world.client()
    headers = basic("app") | ({"X-Forwarded-Proto": forwarded} if forwarded else {})
    async with world.having(**settings) as changed:
        response = await changed.http.post(path, data=GRANT | {"token": "x"}, headers=headers)
        assert response.status == status
        if status == 400:
            assert await error_of(response) == (400, "invalid_request")


# paths (WM-21, WM-22)


async def test_the_token_endpoint_may_have_several_paths(world: World) -> None:
    """WM-21, WM-22."""
    await world.client()
    async with world.having(token_paths=("/oauth/token", WEBMETHODS)) as moved:
        for path, status in (("/oauth/token", 200), (WEBMETHODS, 200), ("/token", 404)):
            assert (await moved.post(path, GRANT)).status == status


@pytest.mark.parametrize("grant_type", ["client_credentials", "password"])
@pytest.mark.parametrize(("path", "status"), [("/token", 400), (WEBMETHODS, 200)])
async def test_a_differing_client_id_beside_basic_is_an_error_but_on_the_webmethods_path(
    world: World, path: str, status: int, grant_type: str
) -> None:
    """WM-08: its document says that client_id is ignored; everywhere else it is a mistake worth telling."""
    await world.client()
    await world.client("other")
    await world.user()
    form = {"grant_type": grant_type, "client_id": "other", "username": "alice", "password": "wonderland"}
    async with world.having(token_paths=("/token", WEBMETHODS)) as both:
        response = await both.post(path, form)
        assert response.status == status
        body = await response.json()
        if status == 200:
            assert (await both.introspect(body["access_token"]))["client_id"] == "app"
        else:
            assert body["error"] == "invalid_request"


@pytest.mark.parametrize(
    "path", ["/token/", "/Token", "/token%2F", "/nothing", "/../token/x", "/.well-known/nothing", "/introspect/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_unknown_paths_are_404_in_json(world: World, method: str, path: str) -> None:
    response = await world.http.request(method, path)
    assert await error_of(response) == (404, "invalid_request")
    assert response.headers["Content-Type"] == "application/json"


async def test_an_issuer_with_a_path_is_served_with_and_without_it(world: World) -> None:
    """RFC 8414 section 3.1: the well-known part stands before the issuer's path; a proxy may cut the path off."""
    await world.client()
    other = world.with_settings(issuer="http://127.0.0.1:8080/tenant")
    async with other.http:
        for path in ("/token", "/tenant/token"):
            assert (await other.post(path, {"grant_type": "client_credentials"})).status == 200
        for path in (METADATA, f"{METADATA}/tenant"):
            document = await (await other.http.get(path)).json()
            assert document["issuer"] == "http://127.0.0.1:8080/tenant"
            assert document["token_endpoint"] == "http://127.0.0.1:8080/tenant/token"


async def test_a_body_that_does_not_come_is_not_waited_for_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "BODY_SECONDS", 0.2)

    async def drip() -> AsyncIterator[bytes]:
        yield b"grant_type=client"
        await asyncio.sleep(3)
        yield b"_credentials"

    headers = {"Content-Type": FORM, **basic("app")}
    await world.client()
    response = await world.http.post("/token", data=drip(), headers=headers)
    assert await error_of(response) == (408, "invalid_request")


async def test_versions_of_what_is_below_are_not_told(world: World) -> None:
    for path in ("/token", "/livez", METADATA, "/nothing"):
        response = await world.http.get(path)
        assert "Python" not in response.headers.get("Server", "")


async def test_a_client_that_waits_for_100_continue_gets_it(world: World) -> None:
    """RFC 9110 10.1.1: curl with large bodies, and .NET by default, send the body only then."""
    await world.client()
    reader, writer = await asyncio.open_connection("127.0.0.1", world.http.port)
    head = [b"POST /token HTTP/1.1", b"Host: x", b"Expect: 100-continue", b"Content-Type: " + FORM.encode()]
    writer.write(b"\r\n".join([*head, AUTHORIZATION, b"Content-Length: %d" % len(BODY), b"", b""]))
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(BODY)
    assert (await asyncio.wait_for(reader.readline(), PATIENCE)).startswith(b"HTTP/1.1 200")
    writer.close()
