"""Registered resources in the memory of processes: known without asking, and up with what others change."""

import asyncio
from collections.abc import Callable

import pytest

from service.admin.resources import EndedResource, ResourceInput, create_resource, delete_resource
from service.app import open_issuer, start_background_tasks
from service.records.resource import Resource
from tests.cutting_proxy import CuttingProxy
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.world import World, settings_for


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


async def test_what_one_process_changes_every_other_knows(any_redis: Shape) -> None:
    settings = settings_for(any_redis.url)
    async with open_issuer(settings) as one, open_issuer(settings) as other:
        start_background_tasks(other)
        await create_resource(one, ResourceInput.read({"resource": "api"}))
        await until(lambda: "api" in other.store.resources.known)
        version = other.store.resources.version
        await delete_resource(one, EndedResource(resource="api"))
        await until(lambda: not other.store.resources.known)
        assert other.store.resources.version > version


async def test_a_process_that_starts_knows_them(world: World, redis: Shape) -> None:
    await create_resource(world.issuer, ResourceInput.read({"resource": "api", "scopes": ["read"]}))
    async with open_issuer(settings_for(redis.url), listen=False) as other:
        assert other.store.resources.known["api"].scopes == ("read",)


async def test_a_change_that_raises_changes_nothing(world: World) -> None:
    def refuse(_: object) -> dict[str, Resource]:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await world.issuer.store.resources.change(refuse)
    assert not world.key_names("resources")


async def test_a_redis_that_is_away_is_an_outage_and_the_change_is_read_after_it(
    redis: Shape, caplog: pytest.LogCaptureFixture
) -> None:
    node = redis.nodes[0]
    caplog.set_level("INFO")
    async with (
        CuttingProxy(node.host, node.port) as proxy,
        open_issuer(settings_for(proxy.url)) as one,
        open_issuer(settings_for(redis.url)) as other,
    ):
        proxy.shorten(one.store.connection.address)
        start_background_tasks(one)
        proxy.refuse()
        proxy.drop()
        one.store.resources.hear(b'"resources"')
        await until(lambda: "resources_unavailable" in caplog.messages)
        await create_resource(other, ResourceInput.read({"resource": "api"}))
        proxy.heal()
        await until(lambda: "api" in one.store.resources.known)
        await until(lambda: "resources_available" in caplog.messages)
    assert "background_task_failed" not in caplog.messages
