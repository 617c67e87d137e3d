"""Several workers on one port: watched, replaced, stopped together, counted together."""

import asyncio
import json
import os
import re
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession, TCPConnector

from service import workers
from tests.patience import PATIENCE, until
from tests.server_process import ServerProcess
from tests.world import FORM, World, basic


def _serving(server: ServerProcess) -> list[int]:
    """The process ids of workers, from the line of log that each writes at its start."""
    lines = (json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{"))
    return [line["pid"] for line in lines if line["event"] == "serving"]


async def _all_serving(server: ServerProcess, count: int) -> list[int]:
    async def are_serving() -> bool:
        return len(_serving(server)) >= count

    await until(are_serving, 0.05)
    return _serving(server)


async def _tokens(server: ServerProcess, count: int) -> list[int]:
    """Ask for tokens over a connection each, so that the kernel spreads them."""
    async with ClientSession(connector=TCPConnector(force_close=True)) as session:

        async def ask() -> int:
            headers = {"Content-Type": FORM, **basic("app")}
            form = urlencode({"grant_type": "client_credentials"})
            async with session.post(f"{server.url}/token", data=form, headers=headers) as response:
                return response.status

        return [await ask() for _ in range(count)]


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


async def _counted(server: ServerProcess) -> float:
    async with ClientSession() as session, session.get(f"{server.url}/metrics") as response:
        text = await response.text()
    found = re.search(r"^mintmark_token_requests_total\{.*client_credentials.*\} ([\d.]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_two_workers_serve_count_together_and_stop_together(world: World, tmp_path: Path) -> None:
    await world.client()
    async with ServerProcess(tmp_path, redis_url=world.redis.url, workers=2) as server:
        pids = await _all_serving(server, 2)
        assert len(set(pids)) == 2
        assert await _tokens(server, 60) == [200] * 60

        async def are_counted() -> bool:  # whichever worker answers tells what all had done a second ago
            return await _counted(server) == 60

        await until(are_counted, 0.1)
        await server.terminate()
        assert await server.exit_code() == 0
        assert not any(_is_alive(pid) for pid in pids)


@pytest.mark.slow
async def test_workers_share_the_operators_port_too(world: World, tmp_path: Path) -> None:
    await world.client()
    settings: dict[str, Any] = {"admin_port": 0, "workers": 2, "redis_url": world.redis.url}
    async with ServerProcess(tmp_path, **settings) as server:
        await _all_serving(server, 2)
        lines = [json.loads(line) for line in server.log.read_text().splitlines() if '"admin_serving"' in line]
        assert len(lines) == 2
        assert len({line["url"] for line in lines}) == 1
        async with ClientSession() as session:
            for _ in range(10):
                async with session.get(f"{lines[0]['url']}/metrics", headers={"Connection": "close"}) as response:
                    assert response.status == 200
            async with session.get(f"{server.url}/metrics") as response:
                assert response.status == 404


@pytest.mark.slow
async def test_a_worker_that_dies_is_replaced(world: World, tmp_path: Path) -> None:
    await world.client()
    async with ServerProcess(tmp_path, redis_url=world.redis.url, workers=2) as server:
        first, _ = await _all_serving(server, 2)
        os.kill(first, signal.SIGKILL)
        assert len(set(await _all_serving(server, 3))) == 3
        assert await _tokens(server, 20) == [200] * 20
        assert '"worker_died"' in server.log.read_text()


@pytest.mark.slow
async def test_what_a_worker_had_open_goes_with_it(world: World, tmp_path: Path) -> None:
    """Connections to Redis are those of living workers, however one of them ended."""
    async with ServerProcess(tmp_path, redis_url=world.redis.url, workers=2) as server:
        first, _ = await _all_serving(server, 2)
        await _wait_for(server, "mintmark_redis_connections", 2)
        os.kill(first, signal.SIGKILL)
        await _all_serving(server, 3)
        await _wait_for(server, "mintmark_redis_connections_opened_total", 3)
        await _wait_for(server, "mintmark_redis_connections", 2)


async def _wait_for(server: ServerProcess, name: str, value: float) -> None:
    """Wait until the metric, which has no labels, is this: workers tell each other every second."""
    async with asyncio.timeout(PATIENCE), ClientSession() as session:
        text = ""
        while f"\n{name} {value:.1f}\n" not in text:
            async with session.get(f"{server.url}/metrics") as response:
                text = await response.text()
            await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_workers_do_not_outlive_the_process_that_watches_them(world: World, tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, redis_url=world.redis.url, workers=2) as server:
        pids = await _all_serving(server, 2)
        os.kill(server.pid, signal.SIGKILL)

        async def are_gone() -> bool:
            return not any(_is_alive(pid) for pid in pids)

        await until(are_gone)


@pytest.mark.slow
async def test_a_port_in_use_is_said_once(world: World, tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, redis_url=world.redis.url) as server:
        second = ServerProcess(tmp_path, "second", redis_url=world.redis.url, workers=2)
        second.port = server.port
        second._settings["port"] = server.port
        await second.start(wait=False)
        assert await second.exit_code() == 1
        assert second.log.read_text().count("in use") == 1
        async with ClientSession() as session, session.get(f"{server.url}/livez") as response:
            assert response.status == 200


def test_auto_is_what_this_process_may_use() -> None:
    assert 1 <= workers.cores() <= (os.cpu_count() or 1)
