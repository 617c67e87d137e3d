"""Requests of the public port are aiohttp's in all that anything asks of one."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from service.fronts.request import PublicRequest
from tests.patience import PATIENCE
from tests.serving import listening

ASKED = (
    *("method", "path", "path_qs", "raw_path", "query_string", "rel_url", "url", "host", "scheme", "secure", "remote"),
    *("version", "headers", "keep_alive", "content_type", "charset", "content_length", "body_exists", "can_read_body"),
    *("cookies", "forwarded", "client_max_size", "client_max_fields", "transport", "writer", "content"),
    *("if_none_match", "http_range"),
)
REQUESTS = {
    "a form": b"POST /token HTTP/1.1\r\nHost: x:1\r\nContent-Length: 3\r\nContent-Type: text/plain; charset=utf-8\r\n\r\na=b",
    "a query": b"GET /a%20b?c=%41&d#e HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\n\r\n",
    "no host": b"GET / HTTP/1.0\r\n\r\n",
    "two slashes": b"GET //y/z HTTP/1.1\r\nHost: x\r\n\r\n",
    "an absolute target": b"POST https://y/token?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "the server": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "an authority": b"CONNECT y:443 HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("sent", REQUESTS.values(), ids=REQUESTS)
async def test_both_answer_alike(sent: bytes) -> None:
    compared: list[tuple[str, Any, Any]] = []

    def make(*parts: Any) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        theirs = web.BaseRequest(parts[0], parts[1], parts[2], parts[3], parts[4], loop)
        ours = PublicRequest(parts[0], parts[1], parts[2], parts[3], parts[4], loop, 1024**2)
        assert vars(ours).keys() - vars(theirs).keys() == {"headers", "method", "remote", "scheme", "target"}
        assert vars(theirs).keys() <= vars(ours).keys()  # nothing that aiohttp sets is missing
        compared.extend((name, getattr(ours, name), getattr(theirs, name)) for name in ASKED)
        return ours

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, PublicRequest)
        assert request.read_now() == await request.read()
        return web.Response(text="read")

    async with listening(web.Server(handle, request_factory=make)) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(PATIENCE):
            assert b" 200 OK" in await reader.readuntil(b"\r\n\r\n")
        writer.close()
    assert len(compared) == len(ASKED)
    for name, ours, theirs in compared:
        assert ours == theirs, name


@pytest.mark.parametrize(("length", "at_once"), [(1000, True), (1001, False)])
async def test_a_body_that_is_too_long_is_left_to_aiohttp(length: int, at_once: bool) -> None:
    read: list[bytes | None] = []

    def make(*parts: Any) -> web.BaseRequest:
        return PublicRequest(parts[0], parts[1], parts[2], parts[3], parts[4], asyncio.get_running_loop(), 1000)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, PublicRequest)
        while not request.content.is_eof():
            await asyncio.sleep(0)
        read.append(request.read_now())
        return web.Response(text=str(len(await request.read())))

    async with listening(web.Server(handle, request_factory=make)) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length + b"x" * length)
        async with asyncio.timeout(PATIENCE):
            assert (b" 200 OK" if at_once else b" 413 ") in await reader.readuntil(b"\r\n\r\n")
        writer.close()
    assert (read == [b"x" * length]) == at_once


@pytest.mark.parametrize("length", [1, 60_000, 300_000])
async def test_a_connection_goes_on_after_a_body_of_any_length(length: int) -> None:
    """Reading is paused where a body is longer than aiohttp's buffer, and resumed once it was read."""

    def make(*parts: Any) -> web.BaseRequest:
        return PublicRequest(parts[0], parts[1], parts[2], parts[3], parts[4], asyncio.get_running_loop(), 1024**2)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, PublicRequest)
        now = request.read_now()
        content = await request.read() if now is None else now
        return web.Response(text=str(len(content)))

    async with listening(web.Server(handle, request_factory=make)) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length + b"x" * length)
            async with asyncio.timeout(PATIENCE):
                assert b" 200 OK" in await reader.readuntil(b"\r\n\r\n")
                assert await reader.readexactly(len(str(length))) == str(length).encode()
        writer.close()
