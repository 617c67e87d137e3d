"""The generator counts what it sends, and no wrong answer passes it unnoticed."""

import shutil
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from loadtests.generator import Orders, drive, literally, raw_requests, spare_for

pytestmark = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")

REQUESTS, CONNECTIONS = 600, 4
RIGHT = ('^{"token":"[%w_-]+"}$',)


class Counting:
    """A server that answers like one that mostly works: every ``fails``-th answer is of the wrong kind."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.fails = 0
        self.answer: dict[str, Any] = {"status": 500, "text": "oops"}
        self.url = ""

    async def handle(self, http: web.Request) -> web.Response:
        number = str((await http.post()).get("number", http.method))
        self.seen[number] += 1
        if self.fails and self.seen.total() % self.fails == 0:
            return web.Response(**self.answer)
        return web.Response(text='{"token":"mm_at_1"}')


@pytest.fixture
async def server() -> AsyncIterator[Counting]:
    counting = Counting()
    application = web.Application()
    application.router.add_route("*", "/", counting.handle)
    async with TestServer(application) as running:
        counting.url = f"http://127.0.0.1:{running.port}"
        yield counting


def forms(count: int) -> list[dict[str, str]]:
    return [{"number": str(number)} for number in range(count)]


async def test_right_answers_are_counted(server: Counting) -> None:
    driven = await drive(server.url, Orders("/", forms(10), patterns=RIGHT), CONNECTIONS, REQUESTS)
    assert (driven.wrong, driven.example) == (0, "")
    assert REQUESTS <= driven.requests <= REQUESTS + CONNECTIONS
    assert 0 < driven.p50 <= driven.p99
    assert driven.seconds > 0


async def test_forms_take_turns(server: Counting) -> None:
    await drive(server.url, Orders("/", forms(10), patterns=RIGHT), CONNECTIONS, REQUESTS)
    assert len(server.seen) == 10
    assert max(server.seen.values()) - min(server.seen.values()) <= 1


async def test_what_may_be_sent_once_is_sent_once(server: Counting) -> None:
    orders = Orders("/", forms(REQUESTS + spare_for(CONNECTIONS)), once=True, patterns=RIGHT)
    await drive(server.url, orders, CONNECTIONS, REQUESTS)
    assert set(server.seen.values()) == {1}


async def test_too_few_of_them_are_refused(server: Counting) -> None:
    with pytest.raises(ValueError, match="too few"):
        await drive(server.url, Orders("/", forms(REQUESTS), once=True), CONNECTIONS, REQUESTS)


async def test_without_forms_it_gets(server: Counting) -> None:
    assert (await drive(server.url, Orders("/", patterns=RIGHT), CONNECTIONS, REQUESTS)).wrong == 0
    assert set(server.seen) == {"GET"}


@pytest.mark.parametrize(
    ("answer", "example"),
    [
        ({"status": 500, "text": "oops"}, "500 oops"),
        ({"status": 401, "text": '{"token":"mm_at_1"}'}, "401 "),
        ({"status": 200, "text": '{"error":"invalid_grant"}'}, "invalid_grant"),
        ({"status": 200, "text": ""}, "200 "),
    ],
)
async def test_a_wrong_answer_is_noticed(server: Counting, answer: dict[str, Any], example: str) -> None:
    server.fails, server.answer = 100, answer
    driven = await drive(server.url, Orders("/", forms(1), patterns=RIGHT), CONNECTIONS, REQUESTS)
    assert 5 <= driven.wrong <= 7
    assert example in driven.example


async def test_nobody_there_is_noticed() -> None:
    server = TestServer(web.Application())
    await server.start_server()
    url = f"http://127.0.0.1:{server.port}"
    await server.close()
    with pytest.raises(Exception, match="wrk ended"):
        await drive(url, Orders("/"), CONNECTIONS, REQUESTS)


@pytest.mark.parametrize("text", ["reporting-service-01", "a.b*c", "read write", "%w+[x]"])
async def test_literally_matches_itself(server: Counting, text: str) -> None:
    server.fails, server.answer = 1, {"text": text}
    orders = Orders("/", forms(1), patterns=(f"^{literally(text)}$",))
    assert (await drive(server.url, orders, CONNECTIONS, REQUESTS)).wrong == 0


def test_parts_do_not_overlap() -> None:
    orders = Orders("/", forms(30), once=True)
    first, second = orders.part(0, 10), orders.part(1, 10)
    assert (len(first.forms), len(second.forms)) == (10, 10)
    assert not [form for form in first.forms if form in second.forms]
    assert Orders("/", forms(30)).part(1, 10).forms == forms(30)


def test_each_form_goes_with_its_own_headers() -> None:
    proofs = [{"DPoP": f"proof-{number}"} for number in range(4)]
    part = Orders("/", forms(4), once=True, headers={"Accept": "*/*"}, own_headers=proofs).part(1, size=2)
    first, second = (raw.decode() for raw in raw_requests("http://127.0.0.1:1", part))
    assert "\r\nAccept: */*\r\n" in first
    assert "\r\nDPoP: proof-2\r\n" in first
    assert first.endswith("\r\n\r\nnumber=2")
    assert "\r\nDPoP: proof-3\r\n" in second
    assert second.endswith("\r\n\r\nnumber=3")
