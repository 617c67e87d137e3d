"""The scopes that a client may ask for, by the decision API."""

import pytest

from tests.deciding import Backend


async def test_requestable_scopes(caller: Backend) -> None:
    """Authlete tier 2, requestable scopes: what a client may ask for, read, set, and set back."""
    world = caller.world
    await world.client(default_scope="")
    assert await caller.ask("getRequestableScopes", "app") == ["read", "write"]
    assert await caller.ask("setRequestableScopes", "app", ["read"]) == ["read"]
    assert (await world.token(grant_type="client_credentials", scope="write")).status == 400
    await caller.ask("deleteRequestableScopes", "app")
    default = list(world.issuer.settings.registration_scopes)
    assert await caller.ask("getRequestableScopes", "app") == default
    await caller.ask("setRequestableScopes", "app", [])
    assert await caller.ask("setRequestableScopes", "app", None) == default


@pytest.mark.parametrize("scopes", [["two words"], ['"'], [7], {"a": 1}, ["a"] * 201])
async def test_requestable_scopes_that_are_none(caller: Backend, scopes: object) -> None:
    """Authlete tier 2, requestable scopes."""
    await caller.world.client()
    response = await caller.post("/client/extension/requestable_scopes/update/app", {"requestableScopes": scopes})
    assert response.status == 400
    assert await caller.ask("getRequestableScopes", "app") == ["read", "write"]
