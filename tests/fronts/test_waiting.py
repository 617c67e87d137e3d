"""A server that starts while Redis is away waits for it: alive, not ready, and saying so; wrong settings still end it."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests import redis_shapes
from tests.patience import PATIENCE
from tests.server_process import ServerProcess, free_port, is_ready

pytestmark = pytest.mark.slow


async def _answer(url: str) -> tuple[int, str]:
    """Status and body, as soon as anything listens there."""
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as response:
                    return response.status, await response.text()
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("workers", [1, 2])
async def test_it_is_alive_and_not_ready_until_redis_is_there(tmp_path: Path, workers: int) -> None:
    with redis_shapes.standalone() as redis:
        redis.kill(redis.nodes[0])
        operators = free_port()
        server = ServerProcess(tmp_path, redis_url=redis.url, admin_port=operators, workers=workers)
        try:
            await server.start(wait=False)
            for url in (server.url, f"http://127.0.0.1:{operators}"):
                assert await _answer(f"{url}/livez") == (200, '{"status": "ok"}')
                assert await _answer(f"{url}/readyz") == (503, '{"status": "waiting for redis"}')
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{server.url}/token", data={"grant_type": "client_credentials"}) as response,
            ):
                assert (response.status, response.headers["Retry-After"]) == (503, "1")
                assert (await response.json())["error"] == "temporarily_unavailable"
            redis.restart(redis.nodes[0])
            assert server.process is not None
            assert await is_ready(server.url, server.process)
            assert await _answer(f"http://127.0.0.1:{operators}/readyz") == (200, '{"status": "ok"}')
        finally:
            await server.stop()
        log = server.log.read_text()
        # Said once by each process that met it so, not at each attempt.
        assert 1 <= log.count('"redis_awaited"') <= workers, log
        assert "Redis cannot be reached" in log


async def test_it_can_be_stopped_while_it_waits(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, redis_url=f"redis://127.0.0.1:{free_port()}")
    await server.start(wait=False)
    assert (await _answer(f"{server.url}/readyz"))[0] == 503
    await server.terminate()
    assert await server.exit_code() == 0


@pytest.mark.parametrize("workers", [1, 2])
async def test_what_no_waiting_mends_ends_it_at_once(tmp_path: Path, workers: int) -> None:
    with redis_shapes.standalone(user="mintmark", password="secret") as redis:
        server = ServerProcess(tmp_path, redis_url=redis.url.replace("secret", "hunter2"), workers=workers)
        await server.start(wait=False)
        assert await server.exit_code() == 3
        log = server.log.read_text()
    assert "redis_password" in log
    assert "redis_awaited" not in log
    assert "hunter2" not in log


async def test_also_where_redis_comes_with_it(tmp_path: Path) -> None:
    """It waits for a Redis that then refuses its password: that is a wrong setting, found late."""
    with redis_shapes.standalone(user="mintmark", password="secret") as redis:
        redis.kill(redis.nodes[0])
        server = ServerProcess(tmp_path, redis_url=redis.url.replace("secret", "hunter2"))
        await server.start(wait=False)
        assert (await _answer(f"{server.url}/readyz"))[0] == 503
        redis.restart(redis.nodes[0])
        assert await server.exit_code() == 3
        assert "redis_password" in server.log.read_text()
