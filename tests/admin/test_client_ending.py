"""Clients that are disabled, revoked and deleted, with all that they hold."""

import asyncio
from typing import Any

import pytest

from service.admin import client_ending, clients
from service.admin.client_input import ClientInput
from service.admin.errors import NotFound
from tests.admin.test_admin_clients import WEB, create, works
from tests.patience import PATIENCE
from tests.world import CALLBACK, SECRET, World


async def test_a_disabled_client_and_its_tokens_count_again_once_enabled(world: World) -> None:
    app = await world.client()
    tokens = await world.tokens(app)
    await client_ending.disable_client(world.issuer, "app")
    assert not await works(world, SECRET, "app")
    await client_ending.enable_client(world.issuer, "app")
    assert await world.is_active(tokens["access_token"])


async def test_revoking_a_client_ends_what_it_has_and_lets_it_ask_anew(world: World) -> None:
    app = await world.client()
    old = await world.tokens(app)
    revoked = await client_ending.revoke_client(world.issuer, "app")
    assert not await world.is_active(old["access_token"])
    assert (await world.refresh(old["refresh_token"])).status == 400
    new = await world.tokens(revoked)
    assert await world.is_active(new["access_token"])
    again = await client_ending.revoke_client(world.issuer, "app")
    assert again.generation > revoked.generation
    assert not await world.is_active(new["access_token"])


async def test_tokens_of_a_deleted_client_stay_dead_when_its_name_is_used_again(world: World) -> None:
    app = await world.client()
    tokens = await world.tokens(app)
    await client_ending.delete_client(world.issuer, "app")
    with pytest.raises(NotFound):
        await client_ending.delete_client(world.issuer, "app")
    new = await create(world.issuer, WEB | {"client_id": "app"}, SECRET)
    assert (await world.introspect(tokens["access_token"])) == {"active": False}
    assert (await world.refresh(tokens["refresh_token"])).status == 400
    assert await world.is_active((await world.tokens(new.client))["access_token"])


@pytest.mark.parametrize("ending", [client_ending.revoke_client, client_ending.delete_client])
async def test_grants_that_never_end_leave_redis_with_their_client(any_world: World, ending: Any) -> None:
    """P4: every key of a finished grant has a TTL, also where a whole client's grants were ended in one step."""
    never = {"refresh_idle_lifetime": 0, "refresh_absolute_lifetime": 0}
    web = (await clients.create_client(any_world.issuer, ClientInput.read(WEB | never))).client
    for subject in ("alice", "bob", "carol"):
        await any_world.code(web, subject=subject)
        code = await any_world.code(web, subject=subject)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        rotated = await clients.rotate_secret(any_world.issuer, "web")
        assert (await any_world.post("/token", form, "web", rotated.secret or "")).status == 200

    def lasting() -> list[bytes]:
        return [key for key, entry in any_world.redis.dump().items() if entry.pttl < 0 and b"client" not in key]

    assert lasting(), "the refresh tokens have no end"
    ended = await ending(any_world.issuer, "web")
    part = await client_ending.sweep_client(any_world.issuer, ended.client_id)
    swept = part.grants
    while part.cursor:
        part = await client_ending.sweep_client(any_world.issuer, ended.client_id, part.cursor)
        swept += part.grants
    assert swept == 3
    async with asyncio.timeout(PATIENCE):
        while lasting():  # a user's index is written last, behind the answer
            await asyncio.sleep(0.01)
