"""Several stores in one Redis, each with a prefix of its own: none sees, ends or hears what another one keeps."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.admin import everything
from service.app import open_issuer
from service.issuer import Issuer
from service.records.session import Session
from service.records.trusted_issuer import TrustedIssuer
from service.redis.address import of_url
from service.redis.listener import start_listening
from service.redis.opening import open_connection
from service.settings import SettingsError, load
from service.store.keys import Keys
from tests.patience import PATIENCE
from tests.world import World, in_process, settings_for

MINE, THEIRS = Keys(), Keys("other:")


@pytest.fixture
async def other_world(any_world: World) -> AsyncIterator[World]:
    """Another issuer, which shares the Redis of the first one."""
    async with (
        open_issuer(settings_for(any_world.redis.url), keys=THEIRS) as issuer,
        in_process(issuer) as http,
    ):
        yield World(issuer, http, any_world.redis)


async def in_use(world: World) -> dict[str, Any]:
    """Give a world one record of most kinds, under the same names in each; the tokens of alice."""
    client, store = await world.client(), world.issuer.store
    await world.user()
    await world.token(grant_type="client_credentials")
    await store.trusted_issuers.save(TrustedIssuer("https://idp.example"))
    await store.tickets.keep_request("waits", b"sealed", 900)
    ends = int(world.issuer.clock()) + 900
    await store.sessions.keep(Session("sid", "hash", "alice", "alice", 0, 0), None, ends, ends)
    return await world.tokens(client)


async def all_pages(list_page: Any) -> list[Any]:
    found, cursor = [], ""
    while True:
        page, cursor = await list_page(cursor)
        found += page
        if not cursor:
            return found


async def seen_by(issuer: Issuer) -> dict[str, list[str]]:
    """All that a store finds, by scanning or in an index."""
    store = issuer.store
    return {
        "clients": [client.client_id for client in await all_pages(store.clients.list_page)],
        "users": [user.username for user in await all_pages(store.users.list_page)],
        "trusted issuers": [trust.issuer for trust in await all_pages(store.trusted_issuers.list_page)],
        "grants": sorted(
            listed.grant_id for listed in await all_pages(lambda cursor: store.grants.list_of_client(None, cursor))
        ),
        "grants to end": sorted(found.grant_id for found in await all_pages(store.endings.grants)),
        "grants of alice": [listed.grant_id for listed in (await store.grants.list_of_user("alice")).grants],
        "sessions of alice": await store.sessions.of_user("alice"),
    }


def lasting(world: World) -> set[str]:
    """Their keys, but for replies: those go once the client has its answer."""
    return {key for key in world.key_names() if key.startswith(THEIRS.prefix) and ":reply:" not in key}


async def test_none_sees_what_another_one_keeps(any_world: World, other_world: World) -> None:
    await in_use(any_world)
    alone = await seen_by(any_world.issuer)
    theirs = await in_use(other_world)
    assert await seen_by(any_world.issuer) == alone
    assert len(alone["grants"]) == len(alone["grants to end"]) == 2
    seen = await seen_by(other_world.issuer)
    assert {name: len(found) for name, found in seen.items()} == {name: len(found) for name, found in alone.items()}
    assert not set(seen["grants"]) & set(alone["grants"])
    assert await other_world.is_active(theirs["access_token"])
    assert not await any_world.is_active(theirs["access_token"])
    assert {key.partition(":")[0] for key in any_world.key_names()} == {"mm", "other"}


async def test_what_is_ended_in_one_goes_on_in_the_other(any_world: World, other_world: World) -> None:
    await in_use(any_world)
    theirs = await in_use(other_world)
    before = lasting(other_world)
    assert await any_world.issuer.store.grants.revoke_user("alice") == 1
    ended = await everything.end_everything(any_world.issuer)
    assert (ended.grants, ended.sessions, ended.interactions, ended.cursor) == (1, 1, 1, "")
    assert lasting(other_world) == before
    assert await other_world.is_active(theirs["access_token"])
    assert (await other_world.refresh(theirs["refresh_token"])).status == 200
    assert await any_world.set_enabled("alice", enabled=False) == 0
    assert await other_world.tokens(await other_world.client("second"))


async def test_a_database_each_keeps_them_apart_as_well(any_world: World) -> None:
    """What docs/how-to/redis.md says of several services: the prefix is no setting, the database is."""
    url = f"{any_world.redis.url.removesuffix('/0')}/1"
    if "cluster" in url:
        with pytest.raises(SettingsError, match="a Cluster has no database number"):
            load(redis_url=url)
        return
    async with open_issuer(settings_for(url)) as issuer, in_process(issuer) as http:
        other_world = World(issuer, http, any_world.redis)
        await in_use(any_world)
        alone = await seen_by(any_world.issuer)
        theirs = await in_use(other_world)
        assert await seen_by(any_world.issuer) == alone
        assert not await any_world.is_active(theirs["access_token"])
        assert (await everything.end_everything(any_world.issuer)).grants == 2
        assert await other_world.is_active(theirs["access_token"])
        assert (await other_world.refresh(theirs["refresh_token"])).status == 200


async def test_what_is_published_by_one_reaches_none_of_the_other(any_world: World, other_world: World) -> None:
    heard: list[bytes] = []
    ready = asyncio.Event()
    connection = open_connection(of_url(any_world.redis.url))
    channels = (MINE.changes, MINE.ended, THEIRS.changes, THEIRS.ended)
    start_listening(
        connection, channels, lambda channel, _: heard.append(channel), lambda now: ready.set() if now else None
    )
    try:
        async with asyncio.timeout(PATIENCE):
            await ready.wait()
        theirs = await in_use(other_world)
        await other_world.revoke(theirs["access_token"])
        await other_world.revoke(theirs["refresh_token"])
        async with asyncio.timeout(PATIENCE):
            while heard.count(THEIRS.ended.encode()) < 2 or THEIRS.changes.encode() not in heard:
                await asyncio.sleep(0.01)
        assert set(heard) == {THEIRS.changes.encode(), THEIRS.ended.encode()}
    finally:
        await connection.close()


@pytest.mark.parametrize("prefix", ["", "mm", ":", "mm:x:", "Mm:", "a{b:", "m*:", "m m:", "mm:\n", "ü:"])
def test_a_prefix_is_one_word_and_a_colon(prefix: str) -> None:
    with pytest.raises(ValueError, match="is no prefix of keys"):
        Keys(prefix)
