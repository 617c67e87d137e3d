"""``changed`` of an entry: what the act changed, compared with the record, and not all that it was given."""

import ast
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from service.admin import audit, clients, resources, tokens, users
from service.admin.actor import Actor, acting
from service.admin.audit import AuditFilter
from service.admin.errors import InvalidInput
from service.admin.resources import ResourceInput
from service.admin.token_changes import TokenChanges, update_token
from service.admin.tokens import TokenInput
from service.records.audit_entry import AuditEntry, Way
from tests.deciding import backend
from tests.world import CALLBACK, World

ADMIN = Path(audit.__file__).parent
ALICE = Actor("alice", Way.CONSOLE, "192.0.2.7")
API = "https://api.example"


async def _client(world: World) -> None:
    client = await world.client("web", name="Shop")
    given = clients.as_input(client) | {"scopes": ["read"], "require_pkce": client.require_pkce}
    given.pop("client_id")
    await clients.update_client(world.issuer, "web", given)


async def _user(world: World) -> None:
    await world.user("bob", claims={"name": "Bob", "city": "Rome", "nickname": "bo"})
    claims: dict[str, Any] = {"name": "Bob", "city": "Oslo", "nickname": None, "website": None}
    await users.update_user(world.issuer, "bob", claims)


async def _resource(world: World) -> None:
    await resources.create_resource(
        world.issuer, ResourceInput.read({"resource": API, "name": "A", "scopes": ["read"]})
    )
    await resources.update_resource(world.issuer, API, {"name": "A", "scopes": ["read", "write"]})


async def _token(world: World) -> None:
    await world.client("web")
    wanted = {"client": "web", "grant_type": "authorization_code", "subject": "alice", "scopes": ["read"]}
    made = (await tokens.create_token(world.issuer, TokenInput.read(wanted))).issued
    changes = {
        "scopes": ["read"],
        "properties": [{"name": "a", "value": 1}],
        "ends_at": made.access_token_ends_at,
        "refresh_ends_at": made.refresh_token_ends_at - 60,
    }
    await update_token(world.issuer, made.access_token, TokenChanges.read(changes))


ACTS: dict[str, tuple[Callable[[World], Awaitable[None]], tuple[str, ...]]] = {
    "client.update": (_client, ("scopes",)),
    "user.update": (_user, ("city", "nickname")),
    "resource.update": (_resource, ("scopes",)),
    "token.update": (_token, ("properties", "refresh_ends_at")),
}


async def _last(world: World, action: str) -> AuditEntry:
    page = await audit.list_entries(world.issuer, AuditFilter(action=action))
    return page.rows[0].entry


@pytest.mark.parametrize("action", ACTS)
async def test_an_entry_names_what_was_changed(world: World, action: str) -> None:
    act, changed = ACTS[action]
    with acting(ALICE):
        await act(world)
    entry = await _last(world, action)
    assert (entry.result, entry.changed) == ("ok", changed)


def test_every_act_that_names_changes_is_among_them() -> None:
    named = set()
    for path in ADMIN.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and any(one.arg == "changed" for one in node.keywords):
                named |= {one.value for one in node.args[:1] if isinstance(one, ast.Constant)}
    assert named == set(ACTS)


async def test_what_changes_nothing_names_nothing(world: World) -> None:
    await world.client("web", name="Shop")
    with acting(ALICE):
        await clients.update_client(world.issuer, "web", {"name": "Shop"})
    assert (await _last(world, "client.update")).changed == ()


async def test_a_refused_act_names_what_was_to_be_changed(world: World) -> None:
    await world.client("web")
    with acting(ALICE), pytest.raises(InvalidInput):
        await clients.update_client(world.issuer, "web", {"name": "Shop", "redirect_uris": ["no URI"]})
    entry = await _last(world, "client.update")
    assert (entry.result, entry.changed) == ("refused", ("name", "redirect_uris"))


async def test_a_client_that_replaces_its_metadata_by_way_of_a_backend(world: World) -> None:
    """It sends all of them, of which some sixty are members of ours."""
    metadata: dict[str, Any] = {"client_name": "Reader", "redirect_uris": [CALLBACK]}
    async with backend(world, registration="open") as caller:
        made = await caller.answer("/client/registration", json=json.dumps(metadata))
        held = json.loads(made["responseContent"])
        own = {"clientId": held["client_id"], "token": held["registration_access_token"]}
        changed = metadata | {"client_id": held["client_id"], "redirect_uris": [CALLBACK + "/2"]}
        answer = await caller.answer("/client/registration/update", **own, json=json.dumps(changed))
        assert answer["action"] == "UPDATED"
    assert (await _last(world, "client.update")).changed == ("redirect_uris",)
