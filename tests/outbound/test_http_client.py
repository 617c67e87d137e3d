"""Outgoing HTTP: nobody can make us call where they can't, wait for ever, or swallow everything."""

import asyncio
import gzip
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.outbound import http_client
from service.outbound.http_client import HttpClient, HttpClientBusyError, HttpClientError, Purpose, is_public
from tests.certificates import self_signed
from tests.patience import PATIENCE
from tests.world import settings_for


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    async def plain(request: web.Request) -> web.Response:
        assert "Cookie" not in request.headers
        return web.Response(body=b"{}", headers={"Cache-Control": "private, max-age=77", "Set-Cookie": "a=b"})

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(10_000):
            await response.write(b"x" * 10_000)
        return response

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x")
            await asyncio.sleep(0.1)
        return response

    async def away(_: web.Request) -> web.Response:
        raise web.HTTPFound("/plain")

    async def packed(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"x" * 10_000_000), headers={"Content-Encoding": "gzip"})

    app = web.Application()
    for handler in (plain, endless, slow, dripping, away, packed):
        app.router.add_route("*", f"/{handler.__name__}", handler)
    made = TestServer(app, host="127.0.0.1")
    async with made:
        yield made


@pytest.fixture
async def lenient() -> AsyncIterator[HttpClient]:
    """One that may call loopback."""
    client = HttpClient(settings_for("redis://127.0.0.1", fetch_private_addresses=True, fetch_timeout=PATIENCE))
    yield client
    await client.close()


@pytest.fixture
async def impatient() -> AsyncIterator[HttpClient]:
    """One that may call loopback, and soon gives up."""
    client = HttpClient(settings_for("redis://127.0.0.1", fetch_private_addresses=True, fetch_timeout=0.4))
    yield client
    await client.close()


@pytest.fixture
async def strict() -> AsyncIterator[HttpClient]:
    client = HttpClient(settings_for("redis://127.0.0.1"))
    yield client
    await client.close()


async def test_a_document_and_how_long_it_may_be_kept(server: TestServer, lenient: HttpClient) -> None:
    for _ in range(2):  # the second time without the cookie that the first one set
        document = await lenient.get(str(server.make_url("/plain")))
        assert (document.content, document.max_age) == (b"{}", 77)


@pytest.mark.parametrize("path", ["endless", "slow", "dripping", "away", "packed", "nothing"])
async def test_what_is_not_taken(server: TestServer, impatient: HttpClient, path: str) -> None:
    url = str(server.make_url(f"/{path}?token=secret"))
    with pytest.raises(HttpClientError) as caught:
        await asyncio.wait_for(impatient.get(url), PATIENCE)
    assert "secret" not in str(caught.value)


async def test_strangers_keep_no_connection_of_operators_clients_busy(
    server: TestServer, lenient: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "CONNECTIONS_EACH", 1)
    slow = asyncio.ensure_future(lenient.get(str(server.make_url("/slow")), network="192.0.2.0/24"))
    assert (await lenient.get(str(server.make_url("/plain")))).content == b"{}"
    assert not slow.done()
    slow.cancel()


async def test_one_network_has_few_calls_under_way(server: TestServer, impatient: HttpClient) -> None:
    """Ten of each purpose; what comes then is refused at once, and says nothing about the server."""
    slow, plain = (str(server.make_url(path)) for path in ("/slow", "/plain"))
    calls = [asyncio.ensure_future(impatient.get(slow, network="192.0.2.0/24")) for _ in range(12)]
    await asyncio.sleep(0)
    with pytest.raises(HttpClientBusyError):
        await impatient.get(plain, network="192.0.2.0/24")
    assert await impatient.get(plain, Purpose.REQUEST_OBJECT, network="192.0.2.0/24")
    outcomes = [type(one) for one in await asyncio.gather(*calls, return_exceptions=True)]
    assert outcomes == [HttpClientError] * 10 + [HttpClientBusyError] * 2
    assert await impatient.get(plain, network="192.0.2.0/24")


@asynccontextmanager
async def raw(sent: bytes) -> AsyncIterator[str]:
    """The host and port of a server that sends these bytes to everybody and hangs up."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(sent)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("scheme", "sent", "told"),
    [
        ("http", b"", "closed the connection without an answer"),
        ("http", b"hello\r\n\r\n", "gave an answer that is not HTTP"),
        ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "broke its answer off"),
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", "cannot be reached by TLS: "),
    ],
)
async def test_why_a_call_fails_is_told_in_words(lenient: HttpClient, scheme: str, sent: bytes, told: str) -> None:
    async with raw(sent) as place:
        with pytest.raises(HttpClientError) as caught:
            await lenient.get(f"{scheme}://{place}/hook?key=hunter2")
    assert str(caught.value).startswith(f"{scheme}://{place} {told}")
    assert not re.search(r"hunter2|Error|Errno", str(caught.value))


async def test_why_a_server_cannot_be_reached_is_told_in_words(lenient: HttpClient) -> None:
    for place, why in (("127.0.0.1:1", "connection refused"), ("nowhere.invalid", "its name has no address")):
        with pytest.raises(HttpClientError) as caught:
            await lenient.get(f"http://{place}/")
        assert str(caught.value) == f"http://{place} cannot be reached: {why}"


async def test_a_certificate_that_is_not_trusted_is_told(lenient: HttpClient, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed().files(tmp_path))
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context) as server:
        with pytest.raises(HttpClientError, match=r"^https://127.0.0.1:\d+ has a certificate that is not trusted: "):
            await lenient.get(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fe80::1]/",
        "https://0.0.0.0/",
        "https://localhost/",
        "https://１２７.0.0.1/",
        "https://127。0。0。1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://[fec0::1]/",
        "https://example.com:99999/",
        "https://user:password@example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://",
        "https://[",
        "",
    ],
)
async def test_where_we_don_t_call(strict: HttpClient, url: str) -> None:
    """Server-side request forgery."""
    logout = strict.request("POST", url, Purpose.LOGOUT, headers={}, body=b"a=b", max_bytes=None)
    for call in (strict.get(url), logout):
        with pytest.raises(HttpClientError) as caught:
            await asyncio.wait_for(call, PATIENCE)
        assert "password" not in str(caught.value).replace("user name or password", "")


@pytest.mark.usefixtures("server")
async def test_a_name_that_points_inside_is_not_called(strict: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: what is connected to is what was checked, whatever the name says next time."""
    from aiohttp import ThreadedResolver

    answers = [["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34", "10.0.0.1"]]

    async def resolve(_self: Any, host: str, port: int = 0, _family: Any = 0) -> list[dict[str, Any]]:
        return [
            {"hostname": host, "host": address, "port": port, "family": 2, "proto": 0, "flags": 0}
            for address in answers[-1]
        ]

    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
    for _ in range(2):
        with pytest.raises(HttpClientError, match="no public address"):
            await strict.get("https://rebind.example/")
        answers.pop()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("fd00::1", False),
        ("fec0::1", False),
        ("2002:7f00:1::", False),
        ("2002:5db8:d822::", True),
        ("64:ff9b::5db8:d822", True),
        ("::", False),
        ("ff02::1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public
