"""Redis changes its shape while it is being used: a primary killed, a replica promoted, slots moved (P1, P2, P7; WM-31).

Two server processes wait for a replica (``redis_wait_replicas=1``). Every request is answered, by 200 or 503; no code buys
tokens twice; no client that goes on asking loses its grant. How long it took is printed, and decides nothing.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector
from redis.crc import key_slot

from service.app import open_issuer
from service.protocol.credentials import parse
from service.store.keys import Keys
from tests import redis_groups, redis_shapes
from tests.server_process import ServerProcess
from tests.steady_load import Load
from tests.world import World, settings_for

pytestmark = pytest.mark.slow

REPORT = Path(__file__).parents[2] / "artifacts" / "recovery.txt"


@asynccontextmanager
async def loaded(shape: redis_shapes.Shape, tmp_path: Path) -> AsyncIterator[Load]:
    """Two processes under load on this Redis."""
    settings: dict[str, Any] = {"redis_url": shape.url, "redis_wait_replicas": 1, "redis_timeout": 1.0}
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
        await load.no_grant_is_lost()


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
    if isinstance(shape, redis_groups.Sentinel):
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
