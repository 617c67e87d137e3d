"""What is no request, or too long for one: answered by us, with nothing of it in the answer and no error in the log."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import ClientSession

from service.app import serving
from service.fronts import connections
from service.observe import sampling
from service.observe.events import Event
from tests.operators import TOKENS
from tests.patience import PATIENCE
from tests.server_process import free_port
from tests.wire import exchange, form_post, request
from tests.world import World, basic, settings_for

SECRET_WORD = b"swordfish"
MOST = 16_384
LONG = b"x" * MOST

MALFORMED = {
    "a long target": (request(b"GET", b"/login?" + SECRET_WORD + LONG), 414, "target_too_long"),
    "a long cookie": (request(b"GET", b"/login", b"Cookie: a=" + SECRET_WORD + LONG), 431, "header_too_long"),
    "a long name of a header": (request(b"GET", b"/", SECRET_WORD + LONG + b": x"), 431, "header_too_long"),
    "many headers": (request(b"GET", b"/", *(b"X-%d: swordfish" % n for n in range(200))), 431, "too_many_headers"),
    "a method that is none": (request(b"swordfish", b"/"), 400, "request_line"),
    "a bad version": (b"GET /swordfish HTTP/9.9\r\n\r\n", 400, None),
    "no HTTP at all": (b"\x16\x03\x01swordfish\r\n\r\n", 400, "request_line"),
    "a blank in the target": (b"GET /sword fish HTTP/1.1\r\nHost: x\r\n\r\n", 400, None),
    "a bad header": (request(b"GET", b"/", b"swordfish"), 400, None),
    "a control character": (request(b"GET", b"/", b"X: swordfish\x01"), 400, None),
    "two lengths": (request(b"POST", b"/token", b"Content-Length: 1", b"Content-Length: 2"), 400, None),
    "a length that is none": (request(b"POST", b"/token", b"Content-Length: swordfish"), 400, None),
    "length and chunks": (
        request(b"POST", b"/token", b"Content-Length: 1", b"Transfer-Encoding: chunked"), 400, None
    ),
    "no host": (b"GET /swordfish HTTP/1.1\r\n\r\n", 400, None),
    "two hosts": (request(b"GET", b"/", b"Host: swordfish"), 400, None),
    "a bad authority": (b"CONNECT [::1]:swordfish HTTP/1.1\r\nHost: x\r\n\r\n", 400, None),
    "a target without authority": (b"GET http:///swordfish HTTP/1.1\r\nHost: x\r\n\r\n", 400, None),
}  # fmt: skip


@pytest.fixture
async def ports(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[int, int]]:
    """The public port and that of operators."""
    monkeypatch.setattr(sampling, "SECONDS", 0.0)
    monkeypatch.setattr(connections, "_MALFORMED", sampling.Sampled(connections.log, Event.MALFORMED_REQUEST))
    await world.client()
    settings = settings_for(world.redis.url, port=0, admin_port=free_port(), admin_tokens=TOKENS, drain_seconds=0)
    async with serving(replace(world.issuer, settings=settings)) as url:
        yield int(url.rpartition(":")[2]), settings.admin_port or 0


@pytest.mark.parametrize("how", MALFORMED)
async def test_nothing_of_it_comes_back(ports: tuple[int, int], how: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    data, status, _ = MALFORMED[how]
    for port in ports:
        answer = await exchange(port, data)
        assert answer.status == status
        assert answer.headers["server"] == "mintmark"
        assert answer.headers["content-type"].partition(";")[0] in (
            "application/json",
            "application/problem+json",
            "text/html",
        )
        head = "".join(f"{name}: {value}" for name, value in answer.headers.items())
        assert "swordfish" not in head.lower() + answer.body.decode().lower()
    assert caplog.messages.count("malformed_request") == 2
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "swordfish" not in "".join(str(vars(record)).lower() for record in caplog.records)


async def test_a_person_gets_a_page_and_a_program_json(ports: tuple[int, int]) -> None:
    public, operators = ports
    page = await exchange(public, MALFORMED["a long cookie"][0])
    assert page.headers["content-type"].startswith("text/html")
    assert b"Delete the cookies" in page.body
    assert (await exchange(public, MALFORMED["a bad header"][0])).error == (400, "invalid_request")
    for how, status, code in (("a long cookie", 431, "header_too_long"), ("a long target", 414, "target_too_long")):
        problem = await exchange(operators, MALFORMED[how][0])
        assert problem.headers["content-type"] == "application/problem+json"
        assert (problem.status, problem.json["status"], problem.json["code"]) == (status, status, code)


async def test_each_is_counted_by_what_is_wrong(world: World, ports: tuple[int, int]) -> None:
    for data, _, reason in MALFORMED.values():
        if reason:
            before = _counted(world, reason)
            await exchange(ports[0], data)
            assert _counted(world, reason) == before + 1


def _counted(world: World, reason: str) -> float:
    name = "mintmark_malformed_requests_total"
    return sum(
        value for one, labels, value in world.issuer.metrics.totals() if one == name and labels["reason"] == reason
    )


async def test_a_flood_is_a_line_a_second(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    settings = settings_for(world.redis.url, port=0, drain_seconds=0)
    async with serving(replace(world.issuer, settings=settings)) as url:
        began = asyncio.get_running_loop().time()
        for _ in range(200):
            await exchange(int(url.rpartition(":")[2]), b"swordfish\r\n\r\n")
        took = asyncio.get_running_loop().time() - began
    assert caplog.messages.count("malformed_request") <= took + 1


async def test_heads_within_the_limit_are_read(ports: tuple[int, int]) -> None:
    """State and nonce of 4,000 characters each are what some clients send."""
    long = b"/authorize?state=" + b"s" * 4000 + b"&nonce=" + b"n" * 4000 + b"&login_hint=" + b"h" * 2000
    assert (await exchange(ports[0], request(b"GET", long, b"Cookie: a=" + b"c" * 9000))).status == 400
    assert (await exchange(ports[0], request(b"GET", long))).headers["content-type"].startswith("text/html")


async def test_the_limit_is_a_setting(world: World) -> None:
    settings = settings_for(world.redis.url, port=0, max_head=5000, drain_seconds=0)
    async with serving(replace(world.issuer, settings=settings)) as url:
        port = int(url.rpartition(":")[2])
        assert (await exchange(port, request(b"GET", b"/livez?" + b"x" * 4900))).status == 200
        assert (await exchange(port, request(b"GET", b"/livez?" + b"x" * 5100))).status == 414
        assert (await exchange(port, request(b"GET", b"/livez", b"X: " + b"x" * 5100))).status == 431


async def test_a_body_that_breaks_behind_its_answer_is_no_error(
    ports: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    head = request(b"PUT", b"/token", b"Transfer-Encoding: chunked")
    reader, writer = await asyncio.open_connection("127.0.0.1", ports[0])
    writer.write(head)
    async with asyncio.timeout(PATIENCE):
        assert b" 405 " in await reader.readuntil(b"\r\n")
        writer.write(b"zz\r\nswordfish\r\n")
        await reader.read()
    writer.close()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_an_upgrade_that_is_not_offered_is_ignored(ports: tuple[int, int]) -> None:
    """RFC 9110 7.8."""
    upgrade = (b"Upgrade: websocket", b"Connection: upgrade")
    for port in ports:
        assert (await exchange(port, request(b"GET", b"/livez", *upgrade))).status == 200
    authorization = ("Authorization: " + basic("app")["Authorization"]).encode()
    answer = await exchange(ports[0], form_post(b"/token", b"grant_type=client_credentials", authorization, *upgrade))
    assert answer.status == 200


async def test_the_next_request_is_read_all_the_same(ports: tuple[int, int]) -> None:
    async with ClientSession() as http:
        for port in ports:
            async with http.get(f"http://127.0.0.1:{port}/livez") as response:
                assert response.status == 200
