"""Ready responses have the bytes of aiohttp's own, whatever the request, on connections of ours and of aiohttp's."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from service.fronts.ready import Ready
from service.observe.current import REQUEST_ID
from service.protocol.decision import NO_STORE
from tests.patience import PATIENCE
from tests.serving import connections, listening
from tests.world import World, basic

BODY = b'{"access_token":"mm_at_\xc3\xa4"}'


def _made(target: str) -> web.StreamResponse:
    """What the target asks for: ``/ready`` or ``/aiohttp``, with words in the query."""
    kind, _, words = target.partition("?")
    content = b"" if "empty" in words else BODY * 20_000 if "long" in words else BODY
    status = 201 if "made" in words else 400 if "refused" in words else 200
    response: web.StreamResponse
    if kind == "/ready":
        response = ready = Ready(content, status)
        ready.request_id = "an-id" if "named" in words else ""
    else:
        response = web.Response(body=content, status=status, headers=NO_STORE)
        if "named" in words:
            response.headers[REQUEST_ID] = "an-id"
    if "closed" in words:
        response.force_close()
    return response


async def _handle(request: web.BaseRequest) -> web.StreamResponse:
    return _made(request.path_qs)


@pytest.fixture(params=["ours", "aiohttp's"])
async def port(world: World, request: pytest.FixtureRequest) -> AsyncIterator[int]:
    ours = request.param == "ours"
    async with listening(connections(world.issuer, _handle) if ours else web.Server(_handle)) as (port, _):
        yield port


async def _answer(port: int, request: bytes) -> tuple[bytes, bool]:
    """What comes until the length is over, without the time; and whether the connection is closed then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(PATIENCE):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        assert length
        body = await reader.readexactly(int(length[1]))
        writer.write(b"GET /aiohttp HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            closed = await reader.read(1) == b""
        except ConnectionError:
            closed = True
    writer.close()
    dated = re.sub(rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", b"Date: now", head)
    assert b"Date: now" in dated
    return dated + body, closed


REQUESTS = {
    "1.1": b"HTTP/1.1\r\nHost: x\r\n\r\n",
    "1.1, to be closed": b"HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "1.0": b"HTTP/1.0\r\n\r\n",
    "1.0, to be kept": b"HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
}


@pytest.mark.parametrize("words", ["", "named", "empty", "named,empty", "closed", "named,long", "made", "refused"])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("method", [b"GET ", b"POST "])
async def test_the_bytes_and_the_connection_s_end_are_those_of_aiohttp(
    port: int, method: bytes, request_: bytes, words: str
) -> None:
    ready = await _answer(port, method + b"/ready?" + words.encode() + b" " + request_)
    assert ready == await _answer(port, method + b"/aiohttp?" + words.encode() + b" " + request_)
    status = {"made": b"201 Created", "refused": b"400 Bad Request"}.get(words, b"200 OK")
    version = b"1.1" if b"HTTP/1.1" in request_ else b"1.0"
    assert ready[0].startswith(b"HTTP/" + version + b" " + status + b"\r\n")


async def test_a_page_of_another_origin_gets_its_headers_with_the_tokens(world: World) -> None:
    """Headers that are added need a response of aiohttp's."""
    await world.client()
    form = {"grant_type": "client_credentials"}
    plain = await world.http.post("/token", data=form, headers=basic("app"))
    answer = await world.http.post("/token", data=form, headers={**basic("app"), "Origin": "https://page.example"})
    assert answer.status == plain.status == 200
    assert set(answer.headers) - set(plain.headers) >= {"Access-Control-Allow-Origin"}


async def test_nothing_can_be_written_behind_it() -> None:
    with pytest.raises(RuntimeError, match="sent whole"):
        await Ready(BODY).write_eof(b"more")
