"""P4: a refresh token that never ends must not leave behind what never ends, once it is over."""

import time
from typing import Any

from tests.world import World

FOR_EVER: dict[str, Any] = {"refresh_idle_lifetime": 0, "refresh_absolute_lifetime": 0}
CLIENTS = ("mm:client:",)


def _endless(world: World) -> list[str]:
    return [name for name, end in world.ends("mm:").items() if end == -1 and not name.startswith(CLIENTS)]


async def test_after_the_last_refresh_everything_has_an_end(any_world: World) -> None:
    client = await any_world.client(refresh_limit=1, **FOR_EVER)
    tokens = await any_world.tokens(client)
    assert _endless(any_world), "it may be refreshed whenever one likes"
    assert "refresh_token" not in await (await any_world.refresh(tokens["refresh_token"])).json()
    assert _endless(any_world) == []


async def test_a_limit_set_later_holds_from_the_next_refresh_on(any_world: World) -> None:
    for rotation in ("always", "never"):
        client = await any_world.client(rotation, refresh_rotation=rotation, **FOR_EVER)
        tokens = await any_world.tokens(client)
        await any_world.change(client, refresh_idle_lifetime=600)
        refreshed = await (await any_world.refresh(tokens["refresh_token"], rotation)).json()
        assert _endless(any_world) == []
        assert await any_world.is_active(refreshed["access_token"], rotation)
    assert await any_world.issuer.store.grants.revoke_user("alice") == 2


async def test_a_limit_that_is_lifted_keeps_the_grant_for_ever(world: World) -> None:
    client = await world.client()
    tokens = await world.tokens(client)
    await world.change(client, **FOR_EVER)
    await world.refresh(tokens["refresh_token"])
    assert len(_endless(world)) == 3, "grant, refresh token, index"


async def test_a_clock_that_is_ahead_takes_no_living_grant_out_of_the_index(world: World) -> None:
    """P6: a process whose clock is an hour ahead prunes by Redis's clock; else revoking the user would miss grants."""
    client = await world.client(access_token_lifetime=3600, refresh_limit=0)
    tokens = await world.tokens(client)
    async with world.with_part(clock=lambda: time.time() + 4000) as ahead:
        await ahead.code(client)
    assert await world.issuer.store.grants.revoke_user("alice") == 2
    assert not await world.is_active(tokens["access_token"])
