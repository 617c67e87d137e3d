"""What the guard hears of Redis: on one server, by Sentinels, in a Cluster; and what it does while it hears nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from mintmark_guard import Guard
from mintmark_guard.introspection import Introspection
from mintmark_guard.revocations import CHANGES, ENDED, Revocations
from tests.cutting_proxy import CuttingProxy
from tests.guard.guarding import API, is_let_in, listening, remembered, token_of
from tests.patience import PATIENCE
from tests.redis_groups import Sentinel
from tests.redis_shapes import Node, Shape, standalone
from tests.world import World

GRANT = "g" * 22


class Ear:
    """Notes what is heard."""

    def __init__(self) -> None:
        self.hears = False
        self.began = 0
        self.heard: list[object] = []

    def hearing(self, now: bool) -> None:
        self.hears = now
        self.began += now

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def ear_at(url: str) -> AsyncIterator[Ear]:
    ear, revocations = Ear(), Revocations(url)
    revocations.listen(ear.heard.append, ear.heard.append, ear.hearing)
    try:
        await ear.until(lambda: ear.hears)
        yield ear
    finally:
        await revocations.close()
    assert not ear.hears


async def publish(node: Node, ear: Ear) -> None:
    """Say what has ended and what has changed, until it is heard."""
    ear.heard.clear()
    for channel, message in ((ENDED, f"mm:{{{GRANT}}}:access:x"), (CHANGES, '{"clients": ["app"]}')):
        await asyncio.to_thread(node.admin.publish, channel, message)
    await ear.until(lambda: ear.heard == [GRANT, b'{"clients": ["app"]}'])


@pytest.mark.parametrize("user", [None, "guard"])
@pytest.mark.parametrize("unix", [False, True])
async def test_one_server(user: str | None, unix: bool) -> None:
    with standalone(user=user, password="p@ss/word", unix=unix) as shape:
        async with ear_at(shape.url) as ear:
            await publish(shape.nodes[0], ear)


async def test_a_link_that_is_lost_is_made_again(redis: Shape, proxy: CuttingProxy) -> None:
    async with ear_at(proxy.url) as ear:
        for _ in range(3):
            ear.began = 0
            proxy.drop()
            await ear.until(lambda: ear.began and ear.hears)
        await publish(redis.nodes[0], ear)


async def test_nothing_is_remembered_while_a_link_hangs(
    served: World, guards: Callable[..., Guard], proxy: CuttingProxy
) -> None:
    token, guard = await token_of(served), await listening(guards(redis_url=proxy.url))
    assert await is_let_in(guard, token)
    assert len(remembered(guard)) == 1
    proxy.hang()
    async with asyncio.timeout(PATIENCE):
        while remembered(guard):
            await asyncio.sleep(0.01)
    assert isinstance(guard.source, Introspection)
    assert not guard.source.hears
    assert await is_let_in(guard, token)
    assert not remembered(guard)
    proxy.heal()
    await listening(guard)


async def test_the_new_primary_of_sentinels_is_heard(sentinel_shape: Sentinel) -> None:
    async with ear_at(sentinel_shape.url) as ear:
        before = sentinel_shape.primary_by_sentinels()
        assert before is not None
        await publish(before, ear)
        sentinel_shape.pause(before)  # it goes on to hold its connections
        try:
            await ear.until(lambda: sentinel_shape.primary_by_sentinels() not in (None, before))
            await ear.until(lambda: ear.began > 1 and ear.hears)
            after = sentinel_shape.primary_by_sentinels()
            assert after is not None
            await publish(after, ear)
        finally:
            sentinel_shape.resume(before)
            sentinel_shape.heal()


async def test_every_primary_of_a_cluster_is_heard(cluster_shape: Shape) -> None:
    async with ear_at(cluster_shape.url) as ear:
        for node in cluster_shape.primaries():
            await publish(node, ear)


@pytest.mark.parametrize(
    "url", ["", "http://x", "redis://:secret/x@127.0.0.1", "redis+sentinel://127.0.0.1:1", "redis+x://127.0.0.1"]
)
def test_what_is_no_url_of_redis_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="redis_url") as refused:
        Guard(
            "https://tokens.example.com", API, client_id="a", client_secret="s", redis_url=url or "rediss+y://:secret@h"
        )
    assert "secret" not in str(refused.value)
