"""Connections that serve a whole request at once read bytes as aiohttp does, however they are cut."""

import asyncio
import logging
import re
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from hypothesis import given, settings
from hypothesis import strategies as st

from service.fronts.direct import DirectConnection


def _post(name: str, *headers: bytes, body: bytes = b"a=b") -> bytes:
    lines = (f"POST /{name} HTTP/1.1".encode(), b"Host: x", b"Content-Length: %d" % len(body), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


PIECES = (
    _post("one"),
    _post("empty", body=b""),
    _post("closed", b"Connection: close"),
    _post("upgrade", b"Connection: Upgrade", b"Upgrade: websocket"),
    _post("expecting", b"Expect: 100-continue"),
    b"GET /two?a=b HTTP/1.1\r\nHost: x\r\n\r\n",
    b"HEAD /head HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /old HTTP/1.0\r\nContent-Length: 1\r\n\r\nx",
    b"POST /kept HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
    b"POST /chunks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"POST /both HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /twice HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 2\r\n\r\nabc",
    b"POST /chunked-badly HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    b"POST http://x/absolute HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"no HTTP at all\r\n\r\n",
    b"\r\n",
)


class _Wire(asyncio.Transport):
    """What a connection writes, and whether it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += b"" if self.closed else bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def _echo(request: web.BaseRequest) -> web.StreamResponse:
    body = await request.read()
    if request.path == "/one":
        await asyncio.sleep(0)
    return web.Response(body=f"{request.method} {request.path} {request.headers.get('Host')} ".encode() + body)


async def _answers(kind: type[RequestHandler], pieces: list[bytes]) -> tuple[bytes, bool]:
    wire = _Wire()
    connection = kind(web.Server(_echo), loop=asyncio.get_running_loop())
    connection.connection_made(wire)
    await _turns()
    for piece in pieces:
        if not wire.closed:
            connection.data_received(piece)
            await _turns()
    connection.connection_lost(None)
    await _turns()
    return re.sub(rb"Date: [^\r]*", b"", wire.written), wire.closed


async def _turns() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4),
    st.lists(st.integers(0, 500), max_size=6),
)
def test_any_bytes_in_any_pieces_are_answered_as_by_aiohttp(requests: list[bytes], cuts: list[int]) -> None:
    """Two servers that read the same bytes differently are what request smuggling needs."""
    data = b"".join(requests)
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    pieces = [data[start:end] for start, end in pairwise(places)]
    logging.getLogger("aiohttp.server").disabled = True
    ours, theirs = asyncio.run(_both(pieces))
    assert ours == theirs


async def _both(pieces: list[bytes]) -> tuple[tuple[bytes, bool], tuple[bytes, bool]]:
    return await _answers(DirectConnection, pieces), await _answers(RequestHandler, pieces)


class _Broken:
    """A parser with a fault."""

    def feed_data(self, _: bytes) -> None:
        raise ZeroDivisionError


async def test_a_fault_of_the_parser_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    connection = DirectConnection(web.Server(_echo), loop=asyncio.get_running_loop())
    connection.connection_made(_Wire())
    await _turns()
    assert asyncio.all_tasks() > before
    connection._parser = _Broken()  # type: ignore[assignment]
    with pytest.raises(ZeroDivisionError):
        connection.data_received(PIECES[0])
    connection.connection_lost(ZeroDivisionError())
    await _turns()
    assert asyncio.all_tasks() == before
