"""In a Cluster the grant's server may be well while the one of its user's index is away."""

import asyncio
import time
from typing import Any

import pytest

from service.observe.events import Event
from service.protocol.errors import TemporarilyUnavailable
from service.redis.connection import Connection
from service.store import indexing
from service.store.keys import Keys
from tests.patience import until
from tests.world import World

INDEX = Keys().user_grants("alice")


class Away:
    """The server of alice's index, as it looks to the connection of a Cluster: there, or not."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(world.issuer.store.connection, "crosses_slots", False)
        self.now = False
        link_for, again = Connection._link_for, Connection._retry

        async def instead(connection: Connection, key: str, *rest: Any) -> Any:
            if self.now and key == INDEX:
                raise TemporarilyUnavailable(log="away")
            return await again(connection, key, *rest)

        monkeypatch.setattr(
            Connection, "_link_for", lambda me, key: None if self.now and key == INDEX else link_for(me, key)
        )
        monkeypatch.setattr(Connection, "_retry", instead)
        monkeypatch.setattr(indexing, "_PAUSE", 0.02)


async def _settled(world: World) -> None:
    async def is_written() -> bool:
        return not world.issuer.store.indexing._delayed

    await until(is_written)


@pytest.mark.parametrize("rotation", ["always", "never"])
@pytest.mark.parametrize("what", ["code", "refresh_token"])
async def test_what_is_spent_is_paid_for_and_indexed_later(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str, rotation: str
) -> None:
    """P7, P6: no invalid_grant because a server is away, and afterwards revoke_user finds the grant."""
    client = await world.client(refresh_rotation=rotation)
    away = Away(world, monkeypatch)
    code = await world.code(client)
    if what == "refresh_token":
        tokens = await (await world.redeem(code)).json()
    away.now = True
    response = await (world.redeem(code) if what == "code" else world.refresh(tokens["refresh_token"]))
    assert response.status == 200
    bought = await response.json()
    away.now = False
    await _settled(world)
    (ends,) = [score for _, score in world.redis.nodes[0].admin.zscan_iter(INDEX)]
    assert ends > time.time() + 10 * world.issuer.settings.code_lifetime, "as long as the tokens, not as the code"
    assert await world.is_active(bought["access_token"])
    assert await world.issuer.store.grants.revoke_user("alice") == 1
    assert not await world.is_active(bought["access_token"])


async def test_no_more_wait_for_an_index_than_there_is_room_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that stays away for long must not fill the memory of those that do without it."""
    client = await world.client()
    away = Away(world, monkeypatch)
    monkeypatch.setattr(indexing, "_MOST_DELAYED", 1)
    first, second, of_another = [await world.code(client, subject) for subject in ("alice", "alice", "bob")]
    away.now = True
    assert (await world.redeem(first)).status == 200
    refused = await world.redeem(second)
    assert (refused.status, (await refused.json())["error"]) == (503, "temporarily_unavailable")
    assert (await world.redeem(of_another)).status == 200, "the server of this user's index is up"
    away.now = False
    await _settled(world)
    assert (await world.redeem(second)).status == 200, "its code was not spent"


async def test_who_was_disabled_meanwhile_keeps_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await world.client()
    away = Away(world, monkeypatch)
    code = await world.code(client)
    away.now = True
    bought = await (await world.redeem(code)).json()
    away.now = False
    world.redis.nodes[0].admin.set(Keys().user_disabled("alice"), "1")
    await _settled(world)
    assert not await world.is_active(bought["access_token"])


async def _redeemed_while_away(world: World, monkeypatch: pytest.MonkeyPatch) -> Away:
    client = await world.client()
    away = Away(world, monkeypatch)
    code = await world.code(client)
    away.now = True
    assert (await world.redeem(code)).status == 200
    return away


async def test_a_process_that_ends_waits_for_the_server_of_an_index(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = await _redeemed_while_away(world, monkeypatch)
    ending = asyncio.create_task(world.issuer.store.indexing.close(60))
    await asyncio.sleep(0.1)
    away.now = False
    await ending
    (ends,) = [score for _, score in world.redis.nodes[0].admin.zscan_iter(INDEX)]
    assert ends > time.time() + 10 * world.issuer.settings.code_lifetime, "as long as the tokens, not as the code"


async def test_a_process_that_cannot_wait_longer_names_the_grant(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await _redeemed_while_away(world, monkeypatch)
    await world.issuer.store.indexing.close(0.05)
    (logged,) = [one for one in caplog.records if one.msg == Event.USER_INDEX_NOT_WRITTEN]
    assert world.key_names(f"{{{vars(logged)['grant_id']}}}")
    await _settled(world)
