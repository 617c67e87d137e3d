"""The cost of a Redis command in this process: Mintmark's own connection, and redis-py's pool with one pipeline a turn.

``python -m loadtests.redis_link redis://127.0.0.1:6379/0`` prints µs of CPU per command, 64 requests at a time, taking turns.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import redis.asyncio as redis_py
import uvloop

from service.redis import address
from service.redis.handshake import connect
from service.settings import load

COMMAND = ("SET", "mm:{abcdefghijklmnopqrstuv}:access:abcdefghijklmnopqrstuv", "x" * 75, "EX", "60")
AT_ONCE, COMMANDS, ROUNDS = 64, 60_000, 3

Send = Callable[[], Awaitable[Any]]


class PipelinePerTurn:
    """redis-py as its manual recommends: a pool, and one pipeline for all commands of a loop turn."""

    def __init__(self, url: str) -> None:
        self._pool = redis_py.BlockingConnectionPool.from_url(url, max_connections=8)
        self._waiting: list[asyncio.Future[Any]] = []
        self._running: set[asyncio.Task[None]] = set()

    def send(self) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append(loop.create_future())
        return self._waiting[-1]

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        task = asyncio.ensure_future(self._run(waiting))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, waiting: list[asyncio.Future[Any]]) -> None:
        connection = await self._pool.get_connection()
        try:
            await connection.send_packed_command(connection.pack_commands([COMMAND] * len(waiting)), check_health=False)
            for future in waiting:
                future.set_result(await connection.read_response())
        finally:
            await self._pool.release(connection)


async def microseconds(send: Send) -> float:
    """Return the CPU µs of this process per command."""

    async def one_after_the_other() -> None:
        for _ in range(COMMANDS // AT_ONCE):
            await send()

    before = time.process_time()
    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    return (time.process_time() - before) / COMMANDS * 1e6


async def main(url: str) -> None:
    settings = load(redis_url=url)
    where = address.parse(settings)
    link = await connect(where, where.servers[0])
    ways: dict[str, Send] = {"own link": lambda: link.send(COMMAND), "redis-py": PipelinePerTurn(url).send}
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, send in ways.items():
            measured[name].append(await microseconds(send))
    for name, figures in measured.items():
        print(f"{name:10} {statistics.median(figures):5.1f} µs of CPU per command")
    link.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1] if len(sys.argv) > 1 else "redis://127.0.0.1:6379/0"))
