"""What answers, but not as any Redis does, is a Redis that is away: 503, not a fault of ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from service.protocol.errors import TemporarilyUnavailable
from service.store.store import make_store
from tests.world import settings_for

GREETING = "*2\r\n+version\r\n+7.0.0"


@asynccontextmanager
async def answering(*replies: str) -> AsyncIterator[int]:
    """Answer on a port with these replies, the last of them again and again, as a proxy may that is being set up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = [*replies]
        while await reader.read(4096):
            writer.write(f"{left.pop(0) if len(left) > 1 else left[0]}\r\n".encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("reply", ["$-1", "+OK", ":1", "*0", "*1\r\n:1", "*2\r\n+version\r\n+seven"])
@pytest.mark.parametrize(
    ("url", "before"),
    [
        ("redis://127.0.0.1:{}", []),
        ("redis+sentinel://127.0.0.1:{}/main", [GREETING]),
        ("redis+cluster://127.0.0.1:{}", [GREETING]),
    ],
)
async def test_what_answers_unlike_redis_is_a_redis_that_is_away(url: str, before: list[str], reply: str) -> None:
    async with answering(*before, reply) as port:
        store = make_store(settings_for(url.format(port), redis_timeout=0.3))
        with pytest.raises(TemporarilyUnavailable):
            await store.ping()
        await store.close()


async def test_a_redis_with_too_many_connections_is_away_for_a_moment() -> None:
    async with answering(GREETING, "-ERR max number of clients reached") as port:
        store = make_store(settings_for(f"redis://127.0.0.1:{port}", redis_timeout=0.3))
        await store.connection.links()
        with pytest.raises(TemporarilyUnavailable):
            await store.connection.execute("mm:n", "GET", "mm:n")
        await store.close()
