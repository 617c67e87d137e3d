"""Roll-outs: a process is told to end while it is used, and another takes its place; not one request is lost."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.patience import PATIENCE
from tests.server_process import ServerProcess
from tests.world import FORM, World, basic

pytestmark = pytest.mark.slow

RESTARTS = 5


class Balancer:
    """What a Service of Kubernetes or a proxy does: asks only those who say that they are ready, over connections it keeps."""

    def __init__(self, urls: list[str]) -> None:
        self.outcomes: Counter[str] = Counter()
        self._ready: dict[str, bool] = dict.fromkeys(urls, True)
        self._turn = 0

    async def watch(self, url: str) -> None:
        """Look at its readiness for ever."""
        while True:
            async with ClientSession(timeout=ClientTimeout(PATIENCE)) as session:
                try:
                    async with session.get(f"{url}/readyz") as response:
                        self._ready[url] = response.status == 200
                except (ClientError, TimeoutError):
                    self._ready[url] = False
            await asyncio.sleep(0.05)

    async def request(self, session: ClientSession) -> None:
        """One token request; what came of it is counted."""
        ready = [url for url, is_ready in self._ready.items() if is_ready]
        self._turn += 1
        if not ready:
            self.outcomes["nobody ready"] += 1
            return
        url, form = ready[self._turn % len(ready)], urlencode({"grant_type": "client_credentials"})
        try:
            async with session.post(
                f"{url}/token", data=form, headers={"Content-Type": FORM, **basic("app")}
            ) as response:
                await response.read()
                self.outcomes[str(response.status)] += 1
        except ClientError as error:
            self.outcomes[type(error).__name__] += 1


async def test_one_of_two_processes_restarts_five_times_and_not_one_request_is_lost(
    world: World, tmp_path: Path
) -> None:
    """SIGTERM under load: readiness off, connections handed back one by one, what is under way finished, exit code 0."""
    await world.client()
    settings: dict[str, Any] = {"redis_url": world.redis.url, "drain_delay": 3}  # long enough for a balancer to notice
    async with (
        ServerProcess(tmp_path, "stays", **settings) as stays,
        ServerProcess(tmp_path, "restarts", **settings) as restarts,
        ClientSession() as session,
    ):
        balancer = Balancer([stays.url, restarts.url])
        watching = [asyncio.ensure_future(balancer.watch(server.url)) for server in (stays, restarts)]
        stop = asyncio.Event()

        async def client() -> None:
            while not stop.is_set():
                await balancer.request(session)
                await asyncio.sleep(0.03)  # 250 requests a second of all eight

        clients = [asyncio.ensure_future(client()) for _ in range(8)]
        for _ in range(RESTARTS):
            await restarts.terminate()
            assert await restarts.exit_code() == 0
            await restarts.start()
        stop.set()
        await asyncio.gather(*clients)
        for task in watching:
            task.cancel()
        assert set(balancer.outcomes) == {"200"}, balancer.outcomes
        assert balancer.outcomes["200"] > 100 * RESTARTS


async def test_a_process_that_was_told_to_end_gives_kept_connections_back(world: World, tmp_path: Path) -> None:
    """It answers what comes over them, and says with the answer that it was the last one (RFC 9112 9.6)."""
    await world.client()
    async with (
        ServerProcess(tmp_path, redis_url=world.redis.url, drain_delay=5) as server,
        ClientSession() as session,
    ):
        for url in (f"{server.url}/readyz", f"{server.url}/.well-known/oauth-authorization-server"):
            async with session.get(url) as response:
                assert (response.status, response.headers.get("Connection")) == (200, None)
        await server.terminate()
        async with asyncio.timeout(PATIENCE):
            while True:
                async with session.get(f"{server.url}/.well-known/oauth-authorization-server") as response:
                    assert response.status == 200
                    if response.headers.get("Connection") == "close":
                        break
        assert await server.exit_code() == 0
