"""Changes of clients reach the memory of every process by publish/subscribe; where the channel is lost, by looking again."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from service.app import open_issuer
from service.issuer import Issuer
from service.records.client import Client
from tests.patience import PATIENCE
from tests.world import World, settings_for


@pytest.fixture
async def other(any_world: World) -> AsyncIterator[Issuer]:
    """Another process, which listens and has the client in its memory."""
    async with open_issuer(settings_for(any_world.redis.url)) as issuer:
        client = await any_world.client()
        async with asyncio.timeout(PATIENCE):
            while not (issuer.store.clients._hearing and issuer.store.clients.cached("app") == client):
                await asyncio.sleep(0.01)  # what is heard late makes it forget
                await issuer.store.clients.get("app")
        yield issuer


async def test_a_change_reaches_other_processes_in_every_topology(any_world: World, other: Issuer) -> None:
    """Told, not waited for: what is in memory counts for a minute."""
    for number in range(20):
        client = await any_world.issuer.store.clients.read("app")
        assert client is not None
        changed = await any_world.change(client, description=str(number))
        async with asyncio.timeout(PATIENCE):
            while await other.store.clients.get("app") != changed:
                await asyncio.sleep(0.005)


async def test_a_change_is_seen_though_the_channel_was_lost_at_that_moment(
    any_world: World, other: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every topology: nothing is remembered across a gap, so a change that nobody heard of is read."""

    async def say_nothing(*_: object) -> None:
        return

    monkeypatch.setattr(any_world.issuer.store.clients, "publish_change", say_nothing)
    known = changed = await _read(any_world)
    async with asyncio.timeout(PATIENCE):
        while known == changed:  # again where older news, heard late, made it forget
            await other.store.clients.get("app")
            changed = await any_world.change(await _read(any_world), description=f"unheard {changed.description}")
            known = other.store.clients.cached("app") or changed
    for node in any_world.redis.nodes:
        if node.role != "sentinel":
            node.admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    async with asyncio.timeout(PATIENCE):
        while await other.store.clients.get("app") != changed:
            await asyncio.sleep(0.02)


async def _read(world: World) -> Client:
    client = await world.issuer.store.clients.read("app")
    assert client is not None
    return client


async def test_without_the_channel_a_client_is_believed_for_a_second(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the process's own clock, which stands still here until it is moved."""
    async with open_issuer(settings_for(world.redis.url), listen=False) as issuer:
        now = 1000.0
        monkeypatch.setattr(issuer.store.clients, "_clock", lambda: now)
        client = await world.client()
        assert await issuer.store.clients.get("app") == client
        changed = await world.change(client, description="new")
        now += 0.9
        assert await issuer.store.clients.get("app") == client
        now += 0.2
        assert await issuer.store.clients.get("app") == changed
