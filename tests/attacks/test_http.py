"""What somebody sends who wants us to be slow, full, noisy or indiscreet: bytes on a socket, against the server itself."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.http_parser import DeflateBuffer

from service.app import serving
from tests.patience import PATIENCE
from tests.wire import Answer, form_post, request, send
from tests.world import FORM, World, basic, settings_for

AUTHORIZATION = ("Authorization: " + basic("app")["Authorization"]).encode()
GRANT = b"grant_type=client_credentials"
CHUNKED = (b"Content-Type: " + FORM.encode(), b"Transfer-Encoding: chunked", AUTHORIZATION)


@pytest.fixture
async def port(world: World) -> AsyncIterator[int]:
    """The port of the service as it is run, with the limits that ``app.serving`` sets; connections may idle a second."""
    await world.client()
    settings = settings_for(world.redis.url, port=0, idle_seconds=1, drain_seconds=0)
    async with serving(replace(world.issuer, settings=settings)) as url:
        yield int(url.rpartition(":")[2])


async def _closed_after(port: int, data: bytes, patience: float = 5.0) -> bytes:
    """What the service says until it closes the connection. TimeoutError if it does not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        async with asyncio.timeout(patience):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize(
    "begun", [b"", b"POST /token HTTP/1.1\r\nHost: x\r\n", request(b"GET", b"/livez").replace(b"close", b"keep-alive")]
)
async def test_a_connection_that_asks_nothing_is_closed(port: int, begun: bytes) -> None:
    """Slowloris: otherwise a thousand of them, silent for an hour, are all the files that a process may open."""
    await _closed_after(port, begun)


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"identity", b"x"])
async def test_a_compressed_body_is_refused_unread(world: World, encoding: bytes) -> None:
    await world.client()
    answer = await send(world.http, form_post(b"/token", GRANT, AUTHORIZATION, b"Content-Encoding: " + encoding))
    assert answer.error == (415, "invalid_request")


async def test_nothing_is_unpacked_behind_a_refusal(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 200 KB bomb of 200 MB took half a second of our time, though it was answered 413 at once."""
    unpacked = []
    feed = DeflateBuffer.feed_data

    def counted(self: DeflateBuffer, data: bytes, *rest: Any) -> Any:
        unpacked.append(len(data))
        return feed(self, data, *rest)

    monkeypatch.setattr(DeflateBuffer, "feed_data", counted)
    bomb = gzip.compress(b"\0" * 10_000_000)
    head = request(b"POST", b"/token", *CHUNKED, b"Content-Encoding: gzip")
    answer = await _closed_after(port, head + b"%x\r\n" % len(bomb) + bomb)
    assert b" 415 " in answer
    assert unpacked == []


async def test_a_client_that_goes_away_in_the_middle_of_its_body_is_no_incident(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Else anybody fills the log with errors and traces."""
    caplog.set_level(logging.INFO)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(b"POST", b"/token", b"Content-Type: " + FORM.encode(), b"Content-Length: 99") + b"half")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()
    async with asyncio.timeout(PATIENCE):
        while "refused" not in caplog.messages:
            await asyncio.sleep(0.01)
    assert "incident" not in caplog.messages


SMUGGLED = {
    "two lengths": (b"Content-Length: 29", b"Content-Length: 5"),
    "length and chunks": (b"Content-Length: 29", b"Transfer-Encoding: chunked"),
    "an unknown transfer encoding": (b"Transfer-Encoding: xchunked",),
    "a negative length": (b"Content-Length: -1",),
    "two content types": (b"Content-Length: 29", b"Content-Type: text/plain"),
    "a folded header": (b"X: a\r\n b", b"Content-Length: 29"),
}


@pytest.mark.parametrize("how", SMUGGLED)
async def test_a_request_that_two_servers_could_read_differently_is_refused(world: World, how: str) -> None:
    await world.client()
    head = request(b"POST", b"/token", b"Content-Type: " + FORM.encode(), AUTHORIZATION, *SMUGGLED[how])
    answer: Answer = await send(world.http, head + GRANT)
    assert answer.status == 400
    assert b"access_token" not in answer.body


@pytest.mark.parametrize("body", [b"password=wonderland\r\n\r\n", b"5\r\npassword=wonderland\r\n\r\n"])
async def test_a_broken_body_is_not_quoted_in_the_log(port: int, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await _closed_after(port, request(b"POST", b"/token", *CHUNKED) + body)
    assert "wonderland" not in "".join(
        str(vars(record)) for record in caplog.records if record.name.startswith("service")
    )


@pytest.mark.parametrize("scheme", [b"https", b"http"])
async def test_a_target_that_calls_itself_https_is_not(world: World, scheme: bytes) -> None:
    """RFC 9112 3.2.2: the absolute form is the caller's word, not the connection's."""
    await world.client()
    async with world.having(issuer="https://mint.example") as strict:
        answer = await send(strict.http, form_post(scheme + b"://mint.example/token", GRANT, AUTHORIZATION))
    assert answer.error == (400, "invalid_request")


async def test_pipelined_requests_get_an_answer_each(world: World) -> None:
    await world.client()
    one = form_post(b"/token", GRANT, AUTHORIZATION)
    reader, writer = await asyncio.open_connection(world.http.host, world.http.port)
    writer.write(one.replace(b"Connection: close\r\n", b"") * 5 + one)
    async with asyncio.timeout(PATIENCE):
        answers = await reader.read()
    writer.close()
    assert answers.count(b"HTTP/1.1 200 OK") == answers.count(b'"access_token":"mm_at_') == 6


async def test_who_waits_for_leave_to_send_the_body_gets_it(port: int) -> None:
    """RFC 9110 10.1.1; and whoever asks in a way that is refused anyway hears so before sending anything."""
    head = request(b"POST", b"/token", b"Content-Type: " + FORM.encode(), b"Content-Length: 29", AUTHORIZATION)
    expecting = head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(PATIENCE):
        writer.write(expecting)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(GRANT)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(expecting.replace(b"POST", b"PUT"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 405")
        writer.close()
