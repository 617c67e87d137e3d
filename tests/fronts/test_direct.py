"""Connections that serve a whole request at once: to a client they are aiohttp's, at every seam between the two ways."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from service.fronts.connections import LINGERING_SECONDS
from service.fronts.ready import Ready
from tests.patience import PATIENCE
from tests.serving import connections, listening
from tests.world import World


def _post(name: str, *headers: bytes, body: bytes = b"a=b") -> bytes:
    lines = (f"POST /{name} HTTP/1.1".encode(), b"Host: x", b"Content-Length: %d" % len(body), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Service:
    """A handler that answers each request with its name, once it may."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.finished: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    def hold(self, name: str) -> asyncio.Event:
        return self.gates.setdefault(name, asyncio.Event())

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        name = request.path[1:]
        body = b"" if name == "early" else await request.read()
        self.began.append(name)
        if name in self.gates:
            await self.gates[name].wait()
        if name == "broken":
            raise ValueError(name)
        if name == "long":
            return Ready(b"x" * 30_000_000)
        self.finished.append(name)
        return Ready(name.encode() + b":" + body)

    async def until(self, name: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while name not in self.began:
                await asyncio.sleep(0.001)


@pytest.fixture
async def service() -> Service:
    return Service()


@pytest.fixture
async def port(world: World, service: Service) -> AsyncIterator[int]:
    async with listening(connections(world.issuer, service.handle)) as (port, _):
        yield port


async def _read(reader: asyncio.StreamReader) -> bytes:
    """The body of the next answer."""
    async with asyncio.timeout(PATIENCE):
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        return await reader.readexactly(int(length[1]) if length else 0)


async def test_requests_one_after_the_other(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(5):
        writer.write(_post(f"n{number}"))
        assert await _read(reader) == f"n{number}:a=b".encode()
    writer.close()


async def test_requests_at_once_are_answered_in_order(port: int) -> None:
    """Also more of them than aiohttp parses ahead."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(b"".join(_post(f"n{number}") for number in range(100)))
        assert [await _read(reader) for _ in range(100)] == [f"n{number}:a=b".encode() for number in range(100)]
    writer.close()


async def test_a_request_that_comes_meanwhile_waits_its_turn(port: int, service: Service) -> None:
    gate = service.hold("first")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_post("first"))
    await service.until("first")
    writer.write(_post("second") + _post("third")[:30])
    await asyncio.sleep(0.02)
    assert service.began == ["first"]
    writer.write(_post("third")[30:])
    gate.set()
    assert [await _read(reader) for _ in range(3)] == [b"first:a=b", b"second:a=b", b"third:a=b"]
    writer.write(_post("fourth"))
    assert await _read(reader) == b"fourth:a=b"
    writer.close()


async def test_a_body_that_comes_later_is_waited_for(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        whole = _post("late", body=b"c" * 1000)
        writer.write(whole[:-900])
        await asyncio.sleep(0.02)
        writer.write(whole[-900:])
        assert await _read(reader) == b"late:" + b"c" * 1000
        writer.write(_post("next"))
        assert await _read(reader) == b"next:a=b"
    writer.close()


async def test_who_is_answered_and_sends_no_rest_is_closed(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_post("early", body=b"c" * 1000)[:-900])
    assert await _read(reader) == b"early:"
    async with asyncio.timeout(LINGERING_SECONDS + 5):
        assert await reader.read() == b""
    writer.close()


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not(world: World, service: Service) -> None:
    gate = service.hold("slow")
    issuer = world.with_settings(idle_seconds=1).issuer
    async with listening(connections(issuer, service.handle)) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        began = asyncio.get_running_loop().time()
        writer.write(_post("slow"))
        await asyncio.sleep(2.3)
        gate.set()
        assert await _read(reader) == b"slow:a=b"
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
        assert asyncio.get_running_loop().time() - began > 3
        writer.close()


async def test_a_client_that_goes_away_stops_nothing(
    port: int, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """What its request began is not left half done, and nobody can fill the log so."""
    caplog.set_level(logging.INFO)
    gate = service.hold("left")
    for how in ("close", "abort"):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_post("left"))
        await service.until("left")
        writer.close() if how == "close" else writer.transport.abort()
        service.began.clear()
    await asyncio.sleep(0.05)
    gate.set()
    async with asyncio.timeout(PATIENCE):
        while len(service.finished) < 2:
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
    assert caplog.messages == []


async def test_an_exception_is_an_incident_and_ends_the_connection(port: int, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_post("broken"))
    async with asyncio.timeout(PATIENCE):
        assert (await reader.read()).startswith(b"HTTP/1.1 500 ")
    assert "incident" in caplog.messages
    writer.close()


async def test_who_asks_to_close_is_closed(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_post("last", b"Connection: close"))
    async with asyncio.timeout(PATIENCE):
        assert (await reader.read()).endswith(b"Connection: close\r\n\r\nlast:a=b")
    writer.close()


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
async def test_an_upgrade_is_declined_as_ever(port: int, protocol: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_post("plain", b"Connection: Upgrade", b"Upgrade: " + protocol))
    assert await _read(reader) == b"plain:a=b"
    writer.write(_post("after"))
    assert await _read(reader) == b"after:a=b"
    writer.close()


async def test_a_slow_reader_holds_up_itself_alone(port: int, service: Service) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(_post("long"))
    await service.until("long")
    writer.write(_post("next"))
    other_reader, other = await asyncio.open_connection("127.0.0.1", port)
    other.write(_post("other"))
    assert await _read(other_reader) == b"other:a=b"
    other.close()
    assert "next" not in service.began
    assert len(await _read(reader)) == 30_000_000
    assert await _read(reader) == b"next:a=b"
    writer.close()


# the end of the server


async def test_what_is_under_way_is_finished_and_idle_connections_end(world: World, service: Service) -> None:
    gate = service.hold("slow")
    async with listening(connections(world.issuer, service.handle)) as (port, runner):
        idle_reader, idle = await asyncio.open_connection("127.0.0.1", port)
        idle.write(_post("before"))
        assert await _read(idle_reader) == b"before:a=b"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_post("slow"))
        await service.until("slow")
        ending = asyncio.ensure_future(runner.cleanup())
        await asyncio.sleep(0.05)
        assert not ending.done()
        writer.write(_post("too-late"))
        gate.set()
        assert await _read(reader) == b"slow:a=b"
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == await idle_reader.read() == b""
            await ending
    assert service.began == ["before", "slow"]
    writer.close()
    idle.close()


async def test_patience_with_what_is_under_way_has_an_end(world: World, service: Service) -> None:
    service.hold("stuck")
    async with listening(connections(world.issuer, service.handle), patience=0.1) as (port, runner):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_post("stuck"))
        await service.until("stuck")
        async with asyncio.timeout(PATIENCE):
            await runner.cleanup()
            assert await reader.read() == b""
    await asyncio.sleep(0)
    assert service.finished == []
    assert [task for task in asyncio.all_tasks() if "_serve" in repr(task)] == []
    writer.close()
