"""Everything is ended at once, as after a restore: what that is, what stays, and how much it was."""

from typing import Any

import pytest

from service.admin import audit, client_ending, everything
from service.admin.actor import Actor, acting
from service.admin.errors import InvalidInput
from service.admin.everything import EndedEverything
from service.directory import Person as Somebody
from service.fronts.console import session as console
from service.issuer import Issuer
from service.login import sessions
from service.protocol.names import AccessTokenFormat
from service.records.audit_entry import Way
from service.records.decision_ticket import DecisionTicket
from service.records.session import Session
from tests.person import Person
from tests.world import World

OPERATOR = "o" * 43
NOTHING = EndedEverything(clients=1, grants=0, sessions=0, interactions=0, decisions=0, operator_sessions=0, cursor="")


async def whole(act: Any, issuer: Issuer) -> EndedEverything:
    """All parts together."""
    names, cursor = EndedEverything._fields[:-1], ""
    counts = dict.fromkeys(names, 0)
    while True:
        part = await act(issuer, cursor)
        counts = {name: counts[name] + getattr(part, name) for name in names}
        cursor = part.cursor
        if not cursor:
            return EndedEverything(**counts, cursor="")


async def a_busy_day(world: World) -> Person:
    """One of each kind and more; alice's browser."""
    await world.openid_client()
    await world.user()
    await world.user("bob")
    alice, bob = Person(world), Person(world)
    assert "code" in (await alice.sign_in()).answer
    assert (await bob.log_in(await bob.authorize(), "bob")).action.endswith("/consent")
    await world.token(grant_type="password", username="alice", password="wonderland")
    await world.token(grant_type="client_credentials")
    store = world.issuer.store
    await store.decision_tickets.keep("waits", DecisionTicket("key", "app", "app", 0), 900)
    await store.decision_tickets.keep("was used", DecisionTicket("key", "app", "app", 0, taken="word"), 900)
    await store.tickets.keep_request("long", b"sealed", 900)
    return alice


@pytest.fixture
async def busy(any_world: World) -> Any:
    settings = {"admin_tokens": {"ci": OPERATOR}}
    async with any_world.having(**settings) as world:
        yield world, await a_busy_day(world), await console.sign_in(world.issuer, OPERATOR, "192.0.2.1")


async def test_everything_ends_and_is_counted_exactly(busy: tuple[World, Person, Any]) -> None:
    """Two sessions (alice's, bob's); grants: a code, a password's, client_credentials; bob before the consent page, and a
    request that no browser could keep; one ticket that its caller had not used; an operator at the console.
    """
    world, alice, operator = busy
    there = EndedEverything(
        clients=1, grants=3, sessions=2, interactions=2, decisions=1, operator_sessions=1, cursor=""
    )
    assert await whole(everything.count_everything, world.issuer) == there
    assert "code" in (await alice.authorize()).answer, "counting ends nothing"
    there = there._replace(grants=4)
    assert await whole(everything.end_everything, world.issuer) == there
    assert (await alice.authorize()).heading == "Sign in"
    assert await console.read(world.issuer, operator.cookie, prolongs=True) is None
    assert await world.issuer.store.decision_tickets.get("waits") is None
    assert await whole(everything.count_everything, world.issuer) == NOTHING
    assert await whole(everything.end_everything, world.issuer) == NOTHING


async def test_what_was_issued_is_dead_and_people_are_not_asked_again(any_world: World) -> None:
    client = await any_world.openid_client(refresh_idle_lifetime=0, refresh_absolute_lifetime=0)
    await any_world.user()
    alice = Person(any_world)
    code = (await alice.sign_in(scope="openid read offline_access", prompt="consent")).answer["code"]
    tokens = await any_world.tokens(client, scope="read")
    unused = await any_world.code(client)
    await whole(everything.end_everything, any_world.issuer)
    assert not await any_world.is_active(tokens["access_token"])
    assert (await any_world.refresh(tokens["refresh_token"])).status == 400
    for old in (code, unused):
        assert (await any_world.redeem(old)).status == 400
    for _ in range(2):  # also once it is done a second time
        answered = await alice.log_in(await alice.authorize(scope="openid read"))
        assert "code" in answered.answer, "alice has allowed it before"
        await whole(everything.end_everything, any_world.issuer)
    await client_ending.revoke_client(any_world.issuer, "app")
    assert (await alice.log_in(await alice.authorize(scope="openid read"))).action.endswith("/consent")
    assert [key for key, entry in any_world.redis.dump().items() if b":refresh:" in key and entry.pttl < 0] == []


async def test_tokens_that_are_kept_nowhere_end_too(world: World) -> None:
    await world.client(access_token_format=AccessTokenFormat.STATELESS)
    token = (await (await world.token(grant_type="client_credentials")).json())["access_token"]
    assert await world.is_active(token)
    assert (await whole(everything.end_everything, world.issuer)).grants == 0
    assert not await world.is_active(token)


async def test_what_was_dead_already_is_not_counted(world: World) -> None:
    client = await world.client()
    await world.tokens(client)
    await world.tokens(await world.client("gone"))
    await client_ending.revoke_client(world.issuer, "app")
    await client_ending.delete_client(world.issuer, "gone")
    assert await whole(everything.count_everything, world.issuer) == NOTHING
    assert await whole(everything.end_everything, world.issuer) == NOTHING


async def test_known_browsers_users_and_keys_of_failures_stay(world: World) -> None:
    """Else everybody would come back as a stranger at once, into the queue of strangers."""
    await a_busy_day(world)
    before = {key for key in set(world.redis.keys()) if b"{known:" in key or b"username" in key or b":client:" in key}
    assert any(b"{known:" in key for key in before)
    await whole(everything.end_everything, world.issuer)
    assert before <= set(world.redis.keys())


async def test_many_keys_are_parts_and_each_is_in_the_audit_log(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everything, "BATCHES", 1)
    client = await world.client()
    for number in range(700):
        await world.code(client, subject=f"user-{number}")
    parts, cursor = 0, ""
    with acting(Actor("ops", Way.CLI)):
        while True:
            cursor = (await everything.end_everything(world.issuer, cursor)).cursor
            parts += 1
            if not cursor:
                break
    assert parts > 3
    entries = (await audit.list_entries(world.issuer, limit=100)).rows
    assert {(one.entry.action, one.entry.result) for one in entries} == {("everything.end", "ok")}
    assert len(entries) == parts
    assert await whole(everything.count_everything, world.issuer) == NOTHING


@pytest.mark.parametrize("cursor", ["1", "7~x~0:0", "0~elsewhere~0:0", "~", "1~\N{SNOWMAN}~"])
async def test_what_is_no_cursor_is_told(world: World, cursor: str) -> None:
    for act in (everything.count_everything, everything.end_everything):
        with pytest.raises(InvalidInput, match="cursor"):
            await act(world.issuer, cursor)


async def test_a_session_that_was_read_before_does_not_come_back(any_world: World) -> None:
    """Whoever was on the way with a session when it ended neither prolongs it nor gets anything in it."""
    issuer = any_world.issuer
    signed = await sessions.sign_in(issuer, Somebody("alice", "alice"), None, amr=("pwd",))
    held: Session = signed.session
    await whole(everything.end_everything, issuer)
    issuer.store.sessions.extend_soon(held, held.started_at + 3600)
    assert not await sessions.join(issuer, held, "app")
    assert await sessions.read(issuer, signed.cookie) is None
    renewed = await sessions.sign_in(issuer, Somebody("alice", "alice"), held, amr=("pwd",))
    assert renewed.session.sid != held.sid


async def test_a_session_in_which_an_old_generation_was_used_ends_as_a_whole(
    any_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that has not heard of the new generation yet issues something in a session that began after sessions were
    looked at.
    """
    monkeypatch.setattr(everything, "BATCHES", 1)
    world, issuer = any_world, any_world.issuer
    old, cursor = await world.client(), ""
    while not cursor.startswith("2~"):
        cursor = (await everything.end_everything(issuer, cursor)).cursor
    new = await issuer.store.clients.read("app")
    assert new is not None
    whole_one, half_one = [
        await sessions.sign_in(issuer, Somebody("alice", "alice"), None, amr=("pwd",)) for _ in range(2)
    ]
    tokens = [
        await world.tokens(client, session=signed.session.sid) for client, signed in ((new, whole_one), (new, half_one))
    ]
    await world.code(old, session=half_one.session.sid)
    while cursor:
        cursor = (await everything.end_everything(issuer, cursor)).cursor
    assert [await sessions.read(issuer, signed.cookie) is not None for signed in (whole_one, half_one)] == [True, False]
    assert [await world.is_active(issued["access_token"]) for issued in tokens] == [True, False]
