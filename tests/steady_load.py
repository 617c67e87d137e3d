"""Steady load by clients: every request is answered, no code is redeemed twice, no client loses its grant."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession

from service.protocol.errors import TemporarilyUnavailable
from tests.patience import PATIENCE
from tests.world import CALLBACK, FORM, World, basic

CHAINS = 8
"""The number of clients that refresh without an end."""
PAUSE = 0.03
"""Seconds between two requests of a client. Together they send 400 requests a second, and leave CPU to other tests."""


class Load:
    """Clients that refresh, redeem each code several times at once, and request tokens of their own, without an end."""

    def __init__(self, world: World, urls: list[str], session: ClientSession) -> None:
        """Prepare the load. Requests go to ``urls`` in turn, which may be changed meanwhile."""
        self.world = world
        self.answers: Counter[tuple[str, int]] = Counter()
        self.bought_twice: list[str] = []
        self.broken: list[str] = []
        self.refresh_tokens: list[str] = []
        self.last_refusal = 0.0
        self.well = 0
        self.urls = urls
        self.under_way: Counter[str] = Counter()
        self._session = session
        self._turn = 0
        self._stopped = asyncio.Event()

    async def ask(self, what: str, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Make a request, and return status and body. Any response but tokens, a fitting refusal or 503 is a failure."""
        self._turn += 1
        url, headers = self.urls[self._turn % len(self.urls)], {"Content-Type": FORM, **basic("app")}
        self.under_way[url] += 1
        async with asyncio.timeout(PATIENCE):
            async with self._session.post(url + path, data=urlencode(form), headers=headers) as response:
                body: dict[str, Any] = await response.json()
        self.under_way[url] -= 1
        self.answers[what, response.status] += 1
        assert response.status in (200, 400, 503), (what, response.status, body)
        if response.status == 503:
            assert (body["error"], response.headers["Retry-After"]) == ("temporarily_unavailable", "1")
            self.last_refusal, self.well = time.monotonic(), 0
        else:
            self.well += 1
        return response.status, body

    async def chain(self, number: int) -> None:
        """Refresh repeatedly with the newest token; after a 503, repeat with the same one."""
        while not self._stopped.is_set():
            token = self.refresh_tokens[number]
            status, body = await self.ask("refresh", "/token", {"grant_type": "refresh_token", "refresh_token": token})
            if status == 200:
                self.refresh_tokens[number] = body["refresh_token"]
            elif status == 400:
                self.broken.append(str(body))
                return
            await asyncio.sleep(PAUSE)

    async def codes(self) -> None:
        """Redeem each code four times at once, then once more."""
        client = await self.world.issuer.store.clients.read("app")
        assert client is not None
        while not self._stopped.is_set():
            await asyncio.sleep(PAUSE)
            try:
                code = await self.world.code(client, subject="bob")
            except TemporarilyUnavailable:
                continue
            form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
            answers = await asyncio.gather(*(self.ask("redeem", "/token", form) for _ in range(4)))
            answers.append(await self.ask("redeem", "/token", form))
            if sum(status == 200 for status, _ in answers) > 1:
                self.bought_twice.append(code[:6])

    async def machines(self) -> None:
        """Get a token for the client itself, introspect it, and revoke it."""
        while not self._stopped.is_set():
            await asyncio.sleep(PAUSE)
            status, body = await self.ask("client_credentials", "/token", {"grant_type": "client_credentials"})
            if status != 200:
                continue
            form = {"token": body["access_token"]}
            await self.ask("introspect", "/introspect", form)
            if (await self.ask("revoke", "/revoke", form))[0] == 200:
                status, told = await self.ask("introspect", "/introspect", form)
                assert status != 200 or not told["active"], "what was revoked stays so"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run all clients until the block ends."""
        client = await self.world.client(refresh_grace=300)
        for _ in range(CHAINS):
            self.refresh_tokens.append((await self.world.tokens(client))["refresh_token"])
        work = [*(self.chain(number) for number in range(CHAINS)), self.codes(), self.codes(), self.machines()]
        tasks = [asyncio.ensure_future(one) for one in work]
        try:
            await self.until_well(100)
            yield
        finally:
            self._stopped.set()
            await asyncio.gather(*tasks)

    async def no_grant_is_lost(self) -> None:
        """Check that every client still has its grant, and that there are no others."""
        assert not self.bought_twice, "P1"
        assert not self.broken, "P2"
        for token in self.refresh_tokens:
            status, body = await self.ask("refresh", "/token", {"grant_type": "refresh_token", "refresh_token": token})
            assert status == 200, body

    async def until_well(self, count: int) -> None:
        """Wait until so many consecutive responses were not 503."""
        self.well = 0
        async with asyncio.timeout(PATIENCE):
            while self.well < count:
                await asyncio.sleep(0.02)

    async def until_left(self, url: str) -> None:
        """Wait until a server that gets no new requests has answered all requests under way."""
        async with asyncio.timeout(PATIENCE):
            while self.under_way[url]:
                await asyncio.sleep(0.02)
