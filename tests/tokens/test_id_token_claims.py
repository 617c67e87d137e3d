"""Claims about a user in ID tokens where relying parties look for them there: by client, within scopes, as they are now."""

from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.admin import users
from service.admin.grants import CodeInput, issue_code
from service.admin.users import UserInput
from service.app import open_issuer
from tests.redis_shapes import Shape
from tests.world import World, in_process, settings_for

ALICE = {"email": "alice@example.com", "email_verified": True, "groups": ["admins", "dev"], "roles": ["auditor"]}
SCOPE = "openid profile email groups"
TOLD = ("email", "groups", "preferred_username")


def _claims(body: dict[str, Any]) -> dict[str, Any]:
    return dict(jwt.decode(body["id_token"], options={"verify_signature": False}))


async def _signed_in(world: World, scope: str = SCOPE) -> dict[str, Any]:
    code = await issue_code(world.issuer, CodeInput(client="app", user="alice", scope=scope))
    response = await world.redeem(code.code)
    assert response.status == 200, await response.text()
    return dict(await response.json())


def _world(redis: Shape, **changes: Any) -> Any:
    return open_issuer(settings_for(redis.url, master_key="m" * 32, signing_algorithms=("ES256",), **changes))


@pytest.fixture
async def openid_world(redis: Shape) -> AsyncIterator[World]:
    async with _world(redis) as issuer, in_process(issuer) as http:
        yield World(issuer, http, redis)


@pytest.fixture
async def told(openid_world: World) -> World:
    await openid_world.client(id_token_claims=TOLD, scopes=(*SCOPE.split(), "read"))
    await users.create_user(openid_world.issuer, UserInput(username="alice", claims=dict(ALICE)), "wonderland")
    return openid_world


async def test_an_id_token_has_what_the_client_is_set_to(told: World) -> None:
    body = await _signed_in(told)
    shown = _claims(body)
    assert (shown["email"], shown["groups"]) == ("alice@example.com", ["admins", "dev"])
    assert shown["preferred_username"] == "alice", "the username, where nothing else is said"
    assert not {"email_verified", "roles"} & set(shown), "what the client is not set to"


async def test_only_what_the_user_was_asked_for(told: World) -> None:
    """A claim belongs to a scope: without the scope nobody allowed it."""
    shown = _claims(await _signed_in(told, "openid email"))
    assert shown["email"] == "alice@example.com"
    assert not {"groups", "preferred_username"} & set(shown)


async def test_without_the_list_they_stay_at_userinfo(openid_world: World) -> None:
    await openid_world.client(scopes=tuple(SCOPE.split()))
    await users.create_user(openid_world.issuer, UserInput(username="alice", claims=dict(ALICE)), "wonderland")
    body = await _signed_in(openid_world)
    assert not {"email", "groups", "preferred_username"} & set(_claims(body))
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    about = await (await openid_world.http.get("/userinfo", headers=bearer)).json()
    assert (about["groups"], about["preferred_username"]) == (["admins", "dev"], "alice")


async def test_a_changed_group_is_in_the_next_id_token(told: World) -> None:
    body = await _signed_in(told)
    await users.update_user(told.issuer, "alice", {"groups": ["dev"], "email": None})
    shown = _claims(await (await told.refresh(body["refresh_token"])).json())
    assert shown["groups"] == ["dev"]
    assert "email" not in shown


async def test_a_first_group_is_in_the_next_id_token(told: World) -> None:
    """What was empty when the user signed in is looked at as well."""
    await users.update_user(told.issuer, "alice", {"groups": None})
    body = await _signed_in(told)
    assert "groups" not in _claims(body)
    await users.update_user(told.issuer, "alice", {"groups": ["new"]})
    assert _claims(await (await told.refresh(body["refresh_token"])).json())["groups"] == ["new"]


async def test_a_username_of_ones_own_stays(told: World) -> None:
    await users.update_user(told.issuer, "alice", {"preferred_username": "ally"})
    assert _claims(await _signed_in(told))["preferred_username"] == "ally"


async def test_a_webhook_is_asked_for_each_id_token(redis: Shape) -> None:
    """It does not say when its claims change, so that nothing of it is kept."""
    groups = ["admins"]

    async def people(_: web.Request) -> web.Response:
        return web.json_response({"claims": {"groups": groups}})

    app = web.Application()
    app.router.add_post("/people/claims", people)
    async with TestServer(app) as server:
        directory = {"directory_url": f"http://127.0.0.1:{server.port}/people", "directory_secret": "s" * 32}
        async with _world(redis, **directory) as issuer, in_process(issuer) as http:
            world = World(issuer, http, redis)
            client = await world.client(id_token_claims=TOLD, scopes=("openid", "groups", "read"))
            response = await world.redeem(await world.code(client, scope="openid groups"))
            body = await response.json()
            assert _claims(body)["groups"] == ["admins"]
            groups[:] = ["dev"]
            assert _claims(await (await world.refresh(body["refresh_token"])).json())["groups"] == ["dev"]
