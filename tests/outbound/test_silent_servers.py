"""Servers that give no answer: one call tries after each pause, so that deliveries to others go on."""

from contextlib import suppress

import pytest

from service.outbound.http_client import HttpClientBusyError, HttpClientError, HttpResponse
from service.outbound.silent_servers import SilentServers

URL = "https://silent.example/out"


class Server:
    """The server of a client, and the clock."""

    def __init__(self) -> None:
        self.now, self.calls = 1000.0, 0
        self.takes, self.error = 5.0, HttpClientError("it did not answer within 5 s")
        self.is_away = True
        self.silent = SilentServers(lambda: self.now)

    async def answer(self) -> HttpResponse:
        self.calls += 1
        self.now += self.takes
        if self.is_away:
            raise self.error
        return HttpResponse(200, b"", {})

    async def is_called(self, url: str = URL) -> bool:
        before = self.calls
        with suppress(HttpClientError):
            await self.silent.call(url, self.answer)
        return self.calls > before


async def test_who_gives_no_answer_is_left_alone_for_a_while() -> None:
    """The pause doubles up to a minute, and ends with an answer."""
    server = Server()
    for pause in (15, 30, 60, 60):
        assert await server.is_called()
        server.now += pause - 1
        assert not await server.is_called()
        assert await server.is_called("https://other.example/out"), "others are called"
        server.now += 1
    server.is_away = False
    assert [await server.is_called() for _ in range(3)] == [True] * 3


async def test_one_call_tries_after_the_pause() -> None:
    server = Server()
    assert await server.is_called()
    server.now += 15

    async def answer() -> HttpResponse:
        assert not await server.is_called(), "while another call tries"
        return HttpResponse(200, b"", {})

    await server.silent.call(URL, answer)
    assert await server.is_called()


@pytest.mark.parametrize(
    "error", [HttpClientError("cannot be reached: connection refused"), HttpClientBusyError("busy")]
)
async def test_what_held_nobody_up_or_says_nothing_is_no_silence(error: HttpClientError) -> None:
    server = Server()
    server.error, server.takes = error, 5.0 if isinstance(error, HttpClientBusyError) else 0.1
    assert [await server.is_called() for _ in range(3)] == [True] * 3
