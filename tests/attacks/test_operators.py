"""An operator's command that was cut off after it wrote, before it told the other processes."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.admin import client_ending, clients, users
from service.admin.errors import NotFound
from service.app import open_issuer
from service.issuer import Issuer
from service.protocol.errors import TemporarilyUnavailable
from tests.cutting_proxy import CuttingProxy
from tests.world import World, settings_for

Act = Callable[[Issuer, str], Awaitable[Any]]


@pytest.mark.parametrize(
    "act", [client_ending.disable_client, client_ending.delete_client, client_ending.revoke_client]
)
async def test_trying_again_reaches_every_process(world: World, act: Act) -> None:
    """P6: the second try finds its work done, and must still tell it; else others believe the client for a minute."""
    client = await world.client()
    token = (await (await world.token(grant_type="client_credentials")).json())["access_token"]
    async with (
        CuttingProxy(world.redis.nodes[0].host, world.redis.nodes[0].port) as proxy,
        open_issuer(settings_for(proxy.url), listen=False) as operator,
    ):
        proxy.shorten(operator.store.connection.address)
        proxy.cut_before("PUBLISH", times=100)
        with pytest.raises(TemporarilyUnavailable):
            await act(operator, client.client_id)
        assert await world.is_active(token), "this process has not heard of it"
        proxy.heal()
        try:
            await act(operator, client.client_id)
        except NotFound:
            assert act is client_ending.delete_client
    await _heard(world, client.client_id)
    assert await _is_dead(world, token)


async def _heard(world: World, client_id: str) -> None:
    """News travels with the replies: one round trip later it is here."""
    for _ in range(100):
        if world.issuer.store.clients.cached(client_id) is None:
            return
        await world.issuer.store.ping()
    raise AssertionError("nobody told this process")


async def _is_dead(world: World, token: str) -> bool:
    response = await world.post("/introspect", {"token": token})
    return response.status == 401 or not (await response.json())["active"]


@pytest.mark.parametrize("junk", ["x", "[]", "null", '{"clients":1}', '{"clients":[[1]]}', "{}", "[" * 100_000])
async def test_news_that_cannot_be_read_empties_the_cache_and_breaks_nothing(world: World, junk: str) -> None:
    await world.client()
    await world.token(grant_type="client_credentials")
    assert world.issuer.store.clients.cached("app")
    world.redis.nodes[0].admin.publish("mm:changes", junk)
    await _heard(world, "app")
    assert (await world.token(grant_type="client_credentials")).status == 200


async def test_bytes_that_are_no_text_name_nobody(world: World) -> None:
    r"""``mintmark client show $'\xff'``: what a terminal hands over as half a character ends in no trace."""
    with pytest.raises(NotFound):
        await clients.get_client(world.issuer, "\udcff")
    with pytest.raises(NotFound):
        await users.get_user(world.issuer, "\udcff")
