"""Redis changes its shape while it is being used: a primary killed, a replica promoted, slots moved (P1, P2, P7; WM-31).

Two server processes wait for a replica (``redis_wait_replicas=1``). Every request is answered, by 200 or 503; no code buys
tokens twice; no client that goes on asking loses its grant. How long it took is printed, and decides nothing.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession, TCPConnector
from redis.crc import key_slot

from service.app import open_issuer
from service.protocol.credentials import parse
from service.protocol.errors import TemporarilyUnavailable
from service.store.keys import Keys
from tests import redis_shapes
from tests.server_process import ServerProcess
from tests.world import CALLBACK, FORM, World, basic, settings_for

CHAINS, HANGS = 8, 20.0
"""Clients that refresh for ever; seconds after which a request counts as hanging (two of Redis' timeouts, times ten)."""
REPORT = Path(__file__).parents[2] / "artifacts" / "recovery.txt"
PATIENCE = 60.0
"""Seconds within which all must be well again."""


class Load:
    """Clients that never stop: refreshing, redeeming each code several times at once, asking for tokens of their own."""

    def __init__(self, world: World, urls: list[str], session: ClientSession) -> None:
        self.world = world
        self.answers: Counter[tuple[str, int]] = Counter()
        self.bought_twice: list[str] = []
        self.broken: list[str] = []
        self.refresh_tokens: list[str] = []
        self.last_refusal = 0.0
        self.well = 0
        self._urls = urls
        self._session = session
        self._turn = 0
        self._stopped = asyncio.Event()

    async def ask(self, what: str, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """One request; status and body. Whatever else than tokens, a refusal that fits or 503 comes is a failure."""
        self._turn += 1
        url, headers = self._urls[self._turn % len(self._urls)], {"Content-Type": FORM, **basic("app")}
        async with asyncio.timeout(HANGS):
            async with self._session.post(url + path, data=urlencode(form), headers=headers) as response:
                body: dict[str, Any] = await response.json()
        self.answers[what, response.status] += 1
        assert response.status in (200, 400, 503), (what, response.status, body)
        if response.status == 503:
            assert (body["error"], response.headers["Retry-After"]) == ("temporarily_unavailable", "1")
            self.last_refusal, self.well = time.monotonic(), 0
        else:
            self.well += 1
        return response.status, body

    async def chain(self, number: int) -> None:
        """Refresh, and go on with the newest token; where the answer is 503, ask again with the same one."""
        while not self._stopped.is_set():
            token = self.refresh_tokens[number]
            status, body = await self.ask("refresh", "/token", {"grant_type": "refresh_token", "refresh_token": token})
            if status == 200:
                self.refresh_tokens[number] = body["refresh_token"]
            elif status == 400:
                self.broken.append(str(body))
                return
            await asyncio.sleep(0.01)

    async def codes(self) -> None:
        """Redeem each code four times at once, then once more."""
        client = await self.world.issuer.store.clients.read("app")
        assert client is not None
        while not self._stopped.is_set():
            await asyncio.sleep(0.02)
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
        """A token for the client itself, looked at and revoked."""
        while not self._stopped.is_set():
            await asyncio.sleep(0.01)
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
        """Until the block ends."""
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

    async def until_well(self, count: int) -> None:
        """Wait until so many answers in a row were none of 503."""
        self.well = 0
        async with asyncio.timeout(PATIENCE):
            while self.well < count:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def loaded(shape: redis_shapes.Shape, tmp_path: Path) -> AsyncIterator[Load]:
    """Two processes under load on this Redis."""
    settings = {"redis_url": shape.url, "redis_wait_replicas": 1, "redis_timeout": 1.0}
    async with (
        open_issuer(settings_for(shape.url, redis_wait_replicas=1)) as issuer,
        ServerProcess(tmp_path, "one", **settings) as one,
        ServerProcess(tmp_path, "other", **settings) as other,
        ClientSession(connector=TCPConnector(limit=64)) as session,
        ClientSession(base_url=one.url) as http,
    ):
        load = Load(World(issuer, http, shape), [one.url, other.url], session)  # type: ignore[arg-type]
        async with load.running():
            yield load
        assert not load.bought_twice, "P1"
        assert not load.broken, "P2"
        for token in load.refresh_tokens:
            status, body = await load.ask("refresh", "/token", {"grant_type": "refresh_token", "refresh_token": token})
            assert status == 200, body


async def happens(load: Load, what: str, event: Callable[[], Awaitable[None]]) -> None:
    """Let it happen, wait until all is well again, and tell how long that took."""
    load.last_refusal = began = time.monotonic()
    before = load.answers.copy()
    await event()
    await load.until_well(300)
    seconds, answers = load.last_refusal - began, load.answers - before
    told = ", ".join(f"{name} {status}: {count}" for (name, status), count in sorted(answers.items()))
    line = f"{what}: the last 503 after {seconds:.1f} s ({told})\n"
    print("\n" + line)
    REPORT.parent.mkdir(exist_ok=True)
    with REPORT.open("a") as report:
        report.write(line)


@pytest.mark.parametrize("kind", ["sentinel", "cluster"])
async def test_a_primary_is_killed_and_its_replica_promoted_under_load(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Killed as by a power cut; later it comes back, empty, as a replica of its successor."""
    shape: redis_shapes.Shape = request.getfixturevalue(f"{kind}_shape")
    shape.heal()
    shape.flush()
    async with loaded(shape, tmp_path) as load:

        async def die() -> None:
            dead = shape.primaries()[0]
            shape.kill(dead)
            while not await asyncio.to_thread(_is_replaced, shape, dead):
                await asyncio.sleep(0.05)
            await asyncio.to_thread(shape.heal)

        await happens(load, f"{kind}: a primary killed", die)


async def test_slots_move_under_load(cluster_shape: redis_shapes.Shape, tmp_path: Path) -> None:
    """That is how a Cluster grows (MOVED, ASK, TRYAGAIN): hardly anybody gets as much as a 503."""
    cluster_shape.heal()
    cluster_shape.flush()
    async with loaded(cluster_shape, tmp_path) as load:

        async def move() -> None:
            for token in load.refresh_tokens:
                credential = parse(token)
                assert credential is not None
                slot = key_slot(Keys().grant(credential.grant_id).encode())
                for _ in range(2):  # there and back
                    await asyncio.to_thread(_move_slot, cluster_shape, slot)

        before = load.answers.copy()
        await happens(load, f"cluster: {len(load.refresh_tokens)} slots moved there and back", move)
        answers = load.answers - before
        assert sum(count for (_, status), count in answers.items() if status == 503) < answers.total() / 10


def _is_replaced(shape: redis_shapes.Shape, dead: redis_shapes.Node) -> bool:
    """Whether everybody knows the successor: a primary that comes back too early comes back empty, and stays one."""
    if isinstance(shape, redis_shapes.Sentinel):
        return shape.primary_by_sentinels() not in (None, dead)
    return len(shape.primaries()) == 3


def _move_slot(shape: redis_shapes.Shape, slot: int) -> None:
    """As redis-cli --cluster reshard does it, one key after the other."""
    primaries = shape.primaries()
    ids = {node: node.admin.execute_command("CLUSTER MYID").decode() for node in primaries}
    here = next(node for node in primaries if _holds(node, ids[node], slot))
    there = primaries[(primaries.index(here) + 1) % len(primaries)]
    there.admin.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", ids[here])
    here.admin.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", ids[there])
    while names := here.admin.execute_command("CLUSTER GETKEYSINSLOT", slot, 1):
        here.admin.execute_command("MIGRATE", there.host, there.port, names[0], 0, 1000)
    for node in (there, here, *(node for node in primaries if node not in (here, there))):
        node.admin.execute_command("CLUSTER SETSLOT", slot, "NODE", ids[there])


def _holds(node: redis_shapes.Node, identity: str, slot: int) -> bool:
    for first, last, (_, _, owner, *_), *_ in node.admin.execute_command("CLUSTER SLOTS"):
        if first <= slot <= last:
            return bool(owner.decode() == identity)
    return False
