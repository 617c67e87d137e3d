"""Every reply of Redis may get lost: what was asked for has the same outcome then, and happens once (P3).

Each act is done as often as it sends commands, and each time the reply to another of them is lost after Redis has executed it.
"""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any, NamedTuple

import pytest

from service.admin import client_ending, clients, users
from service.admin.users import UserInput
from service.app import open_issuer
from service.directory.directory import Person as KnownPerson
from service.login import ending_sessions, sessions
from tests import redis_shapes
from tests.cutting_proxy import Command, CuttingProxy
from tests.person import Person
from tests.world import World, in_process, settings_for

EVENTS = ["logged_out", "revoked"]
HOOK = {
    "hooks": {"listener": {"url": "http://127.0.0.1:9/", "events": EVENTS}},
    "hook_secrets": {"listener": "whsec_" + base64.b64encode(b"s" * 32).decode()},
}
ALICE = KnownPerson("alice", "alice", "", {})


class Act(NamedTuple):
    """``prepare`` makes what is needed; ``do`` returns what has come of it, in terms that do not differ from time to time."""

    prepare: Callable[[World], Awaitable[Any]]
    do: Callable[[World, Any], Awaitable[object]]


@pytest.fixture
async def world(proxy: CuttingProxy, redis: redis_shapes.Shape) -> AsyncIterator[World]:
    settings = settings_for(proxy.url, redis_timeout=5, registration="open", **HOOK)
    async with open_issuer(settings, listen=False) as issuer, in_process(issuer) as http:
        issuer.hooks.load()
        yield World(issuer, http, redis)


def notices(world: World) -> int:
    """Return how many messages wait for the hook, and forget them."""
    admin = world.redis.nodes[0].admin
    waiting = int(admin.zcard("mm:{hooks}:due"))
    admin.delete("mm:{hooks}:due")
    return waiting


def nth(number: int) -> Callable[[Command], bool]:
    counted = count()
    return lambda _: next(counted) == number


async def _signed_out(world: World) -> Person:
    await world.openid_client("own", skip_consent=True)
    await world.user()
    return Person(world)


async def _sign_in(_: World, person: Person) -> object:
    answered = await person.submit(await person.authorize("own"), username="alice", password="wonderland")
    return answered.status, sorted(answered.answer)


async def _consenting(world: World) -> tuple[Person, Any]:
    await world.openid_client()
    await world.user()
    person = Person(world)
    return person, await person.log_in(await person.authorize(prompt="consent"))


async def _allow(_: World, prepared: tuple[Person, Any]) -> object:
    person, shown = prepared
    answered = await person.submit(shown, decision="allow")
    return answered.status, sorted(answered.answer)


async def _deny(_: World, prepared: tuple[Person, Any]) -> object:
    person, shown = prepared
    answered = await person.submit(shown, decision="deny")
    return answered.status, answered.error


async def _in_session(world: World) -> tuple[Any, str]:
    client = await world.client()
    await world.user()
    signed_in = await sessions.sign_in(world.issuer, ALICE, None, amr=("pwd",))
    tokens = await world.tokens(client, session=signed_in.session.sid)
    notices(world)
    return signed_in.session, tokens["access_token"]


async def _end_session(world: World, prepared: tuple[Any, str]) -> object:
    session, token = prepared
    ended = await ending_sessions.end_session(world.issuer, session)
    return ended.counts, notices(world), await world.is_active(token)


async def _with_tokens(world: World) -> dict[str, Any]:
    client = await world.client()
    await world.user()
    tokens = await world.tokens(client)
    notices(world)
    return tokens


async def _revoke(world: World, tokens: dict[str, Any]) -> object:
    answered = await world.revoke(tokens["refresh_token"])
    return answered.status, notices(world), await world.is_active(tokens["access_token"])


async def _revoke_user(world: World, tokens: dict[str, Any]) -> object:
    ended = await world.issuer.store.grants.revoke_user("alice")
    return ended, await world.is_active(tokens["access_token"])


async def _with_client(world: World) -> None:
    await world.client("gone", alias="name-of-gone")


async def _delete_client(world: World, _: None) -> object:
    deleted = await client_ending.delete_client(world.issuer, "gone")
    return deleted.client_id, await world.issuer.store.clients.read("name-of-gone")


async def _rename_client(world: World, _: None) -> object:
    await clients.update_client(world.issuer, "gone", {"alias": "another-name"})
    renamed = await world.issuer.store.clients.read("another-name")
    await clients.update_client(world.issuer, "gone", {"alias": "name-of-gone"})
    return renamed is not None and renamed.client_id, await world.issuer.store.clients.read("another-name")


async def _nothing(_: World) -> None:
    return


async def _create_and_delete_user(world: World, _: None) -> object:
    created = await users.create_user(world.issuer, UserInput(username="bob", subject="b-1"))
    found = await world.issuer.store.users.get_by_subject("b-1", "bob")
    deleted = await users.delete_user(world.issuer, "bob")
    return (
        created.subject,
        found is not None and found.username,
        deleted.user.username,
        world.key_names("b-1}") - {"mm:{user:b-1}:disabled"},
    )


async def _disable_and_enable_user(world: World, tokens: dict[str, Any]) -> object:
    disabled = await users.disable_user(world.issuer, "alice")
    is_active = await world.is_active(tokens["access_token"])
    await users.enable_user(world.issuer, "alice")
    return disabled.counts, is_active, world.key_names("user:alice}:disabled")


async def _register(world: World, _: None) -> object:
    answered = await world.http.post("/register", json={"redirect_uris": ["https://app.example/callback"]})
    registered = await answered.json()
    by_it = {"Authorization": f"Bearer {registered['registration_access_token']}"}
    ended = await world.http.delete(f"/register/{registered['client_id']}", headers=by_it)
    return answered.status, ended.status


ACTS = {
    "sign in": Act(_signed_out, _sign_in),
    "allow": Act(_consenting, _allow),
    "deny": Act(_consenting, _deny),
    "end a session": Act(_in_session, _end_session),
    "revoke a token": Act(_with_tokens, _revoke),
    "revoke a user's grants": Act(_with_tokens, _revoke_user),
    "delete a client": Act(_with_client, _delete_client),
    "register and go": Act(_nothing, _register),
    "rename a client": Act(_with_client, _rename_client),
    "create and delete a user": Act(_nothing, _create_and_delete_user),
    "disable and enable a user": Act(_with_tokens, _disable_and_enable_user),
}


async def _prepared(world: World, act: Act) -> Any:
    world.redis.nodes[0].admin.flushdb()
    world.issuer.store.clients.hearing(False)  # forgets all it knows
    return await act.prepare(world)


@pytest.mark.parametrize("name", ACTS)
async def test_whichever_reply_is_lost_the_outcome_is_the_same(world: World, proxy: CuttingProxy, name: str) -> None:
    act = ACTS[name]
    prepared, before = await _prepared(world, act), len(proxy.commands)
    expected = await act.do(world, prepared)
    for number in range(len(proxy.commands) - before):
        prepared, before = await _prepared(world, act), len(proxy.commands)
        proxy.cut_after(nth(number))
        outcome = await act.do(world, prepared)
        lost = proxy.commands[before + number] if before + number < len(proxy.commands) else "none"
        proxy.heal()
        assert outcome == expected, f"the reply to command {number} was lost: {lost!r}"
