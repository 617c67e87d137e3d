"""Notices: whatever ends is told at least once, also by a process that dies, also to a hook that is away for a while."""

import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.admin import client_ending, clients, grants, tokens, users
from service.login import ending_sessions
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.names import SubjectType
from service.store.deliveries import LEASE
from tests.hooks.receiver import HOOK_SECRET, Receiver, delivered, hooked, saying
from tests.person import Person
from tests.redis_shapes import Shape
from tests.server_process import ServerProcess, free_port
from tests.world import World, signing_keys


@pytest.fixture
async def world(redis: Shape, receiver: Receiver) -> AsyncIterator[World]:
    async with hooked(redis, {"audit": {"url": receiver.url, "events": ["revoked"], "attempts": 3}}) as made:
        await made.user()
        yield made


async def by_client(world: World) -> None:
    tokens = await world.tokens(await world.client())
    assert (await world.revoke(tokens["refresh_token"])).status == 200


async def of_access_token(world: World) -> None:
    tokens = await world.tokens(await world.client())
    assert (await world.revoke(tokens["access_token"])).status == 200


async def by_operator(world: World) -> None:
    tokens = await world.tokens(await world.client())
    await grants.revoke_grant(world.issuer, tokens["access_token"].removeprefix("mm_at_")[:22])


async def by_api(world: World) -> None:
    issued = await world.tokens(await world.client())
    assert await tokens.end_token(world.issuer, issued["access_token"])
    assert not await tokens.end_token(world.issuer, issued["access_token"])


async def by_api_as_listed(world: World) -> None:
    issued = await world.tokens(await world.client())
    assert await tokens.end_token(world.issuer, issued["access_token"].removeprefix("mm_at_")[:22])


async def of_user(world: World) -> None:
    await world.tokens(await world.client())
    await grants.revoke_of_user(world.issuer, "alice")


async def of_user_and_client(world: World) -> None:
    await world.tokens(await world.client())
    await grants.revoke_of_user(world.issuer, "alice", "app")


async def of_disabled_user(world: World) -> None:
    await world.tokens(await world.client())
    await users.disable_user(world.issuer, "alice")


async def of_client(world: World) -> None:
    await world.tokens(await world.client())
    await client_ending.revoke_client(world.issuer, "app")


async def of_client_with_other_subjects(world: World) -> None:
    await world.tokens(await world.client(subject_type=SubjectType.PAIRWISE))
    await clients.update_client(world.issuer, "app", {"subject_type": "public"})


async def of_deleted_client(world: World) -> None:
    await world.tokens(await world.client())
    await client_ending.delete_client(world.issuer, "app")


async def of_session(world: World) -> None:
    await world.openid_client()
    person = Person(world)
    await person.sign_in()
    await person.submit(await person.get("/logout"), decision="logout")


async def by_person(world: World) -> None:
    await world.openid_client()
    person = Person(world)
    await person.sign_in()
    await person.submit(await person.get("/applications"), end="app")


async def of_replayed_code(world: World) -> None:
    client = await world.client()
    code = await world.code(client)
    await world.redeem(code)
    await world.redeem(code)


async def of_reused_refresh_token(world: World) -> None:
    tokens = await world.tokens(await world.client(refresh_grace=0))
    await world.refresh(tokens["refresh_token"])
    await world.refresh(tokens["refresh_token"])


ENDS: dict[str, tuple[Callable[[World], Awaitable[None]], dict[str, object]]] = {
    "a grant, by its client": (by_client, {"what": "grant", "reason": "revoked_by_client", "client_id": "app"}),
    "an access token": (of_access_token, {"what": "access_token", "reason": "revoked_by_client"}),
    "a grant, by an operator": (by_operator, {"what": "grant", "reason": "revoked_by_operator", "subject": "alice"}),
    "a token, by API": (by_api, {"what": "grant", "reason": "revoked_by_operator", "subject": "alice"}),
    "a grant in a list, by API": (by_api_as_listed, {"what": "grant", "client_id": "app", "subject": "alice"}),
    "a user": (of_user, {"what": "user", "subject": "alice", "grants_ended": 1}),
    "a user's grants of a client": (of_user_and_client, {"what": "user", "client_id": "app", "grants_ended": 1}),
    "a disabled user": (
        of_disabled_user,
        {"what": "user", "subject": "alice", "grants_ended": 1, "sessions_ended": 0},
    ),
    "a client": (of_client, {"what": "client", "reason": "revoked_by_operator", "client_id": "app"}),
    "a client that knows its users by another sub": (
        of_client_with_other_subjects,
        {"what": "client", "reason": "subjects_changed", "client_id": "app"},
    ),
    "a deleted client": (of_deleted_client, {"what": "client", "reason": "deleted", "client_id": "app"}),
    "a session": (of_session, {"what": "session", "subject": "alice", "grants_ended": 1, "sessions_ended": 1}),
    "an application, by a person": (by_person, {"what": "user", "reason": "revoked_by_user", "client_id": "app"}),
    "a code used twice": (of_replayed_code, {"what": "grant", "reason": "code_replayed", "subject": "alice"}),
    "a refresh token used twice": (of_reused_refresh_token, {"what": "grant", "reason": "refresh_token_reused"}),
}


@pytest.mark.parametrize(("end", "facts"), ENDS.values(), ids=list(ENDS))
async def test_whatever_ends_is_told_once(
    world: World, receiver: Receiver, end: Callable[[World], Awaitable[None]], facts: dict[str, object]
) -> None:
    """IRIS OnRevokeAccessToken, IA-40: what was ended, whose it was, and why."""
    await end(world)
    await delivered(world)
    (told,) = receiver.of("revoked")
    assert {name: told[name] for name in facts} == facts
    assert "mm_" not in json.dumps(told)
    assert await world.issuer.store.notifications.waiting() == 0


async def test_notices_and_claims_on_redis_in_each_shape(any_redis: Shape, receiver: Receiver) -> None:
    """P1, P2, P6 where the queue, the user and the grant lie in different places."""
    receiver.answers = {"claims": {"introspection": {"tier": "gold"}}, "refresh": {"allow": True}}
    hooks = {"audit": {"url": receiver.url, "events": ["claims", "refresh", "revoked"]}}
    async with hooked(any_redis, hooks) as world:
        tokens = await world.tokens(await world.client())
        refreshed = await (await world.refresh(tokens["refresh_token"])).json()
        assert (await world.introspect(refreshed["access_token"]))["tier"] == "gold"
        await world.revoke(refreshed["refresh_token"])
        assert await delivered(world) == 1
        assert receiver.of("revoked")[0]["what"] == "grant"
        assert not await world.is_active(refreshed["access_token"])
        assert await world.issuer.store.notifications.waiting() == 0


@pytest.mark.usefixtures("receiver")
async def test_what_was_not_revoked_is_not_told(world: World) -> None:
    """RFC 7009 2.2: unknown, and somebody else's."""
    tokens = await world.tokens(await world.client())
    await world.client("other")
    for token in ("mm_rt_" + "x" * 65, "mm_ac_" + "x" * 65, "something else"):
        assert (await world.revoke(token)).status == 200
    assert (await world.revoke(tokens["refresh_token"], "other")).status == 200
    assert await world.issuer.store.notifications.waiting() == 0


async def test_it_is_tried_until_it_is_taken(world: World, receiver: Receiver) -> None:
    """The same id each time, so that who heard it before knows."""
    await by_client(world)
    receiver.turn = saying(503)
    assert await delivered(world) == 1
    assert await delivered(world) == 0  # not before its time
    receiver.turn = None
    world.issuer.clock.ahead = 3  # type: ignore[attr-defined]
    assert await delivered(world) == 1
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1
    assert await world.issuer.store.notifications.waiting() == 0


async def test_after_its_attempts_it_is_given_up(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    await by_client(world)
    receiver.turn = saying(503)
    for ahead in (0, 3, 8, 17):
        world.issuer.clock.ahead = ahead  # type: ignore[attr-defined]
        await delivered(world)
    assert len(receiver.heard) == 3
    assert await world.issuer.store.notifications.waiting() == 0
    assert "hook_notification_given_up" in caplog.text


async def test_a_hook_that_was_taken_out_of_the_settings_ends_its_notices(redis: Shape, world: World) -> None:
    await by_client(world)
    async with hooked(redis, {}) as without:
        assert await delivered(without) == 1
        assert await without.issuer.store.notifications.waiting() == 0


async def test_one_that_dies_while_it_delivers_loses_nothing(world: World, receiver: Receiver) -> None:
    await by_client(world)
    assert len(await world.issuer.store.notifications.claim(int(world.issuer.clock()), 10)) == 1  # and dies
    assert await delivered(world) == 0
    world.issuer.clock.ahead = LEASE + 1  # type: ignore[attr-defined]
    assert await delivered(world) == 1
    assert len(receiver.heard) == 1


@pytest.mark.parametrize("lost", [TemporarilyUnavailable, SystemExit])
async def test_a_revocation_that_is_cut_off_is_told_all_the_same(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, lost: type[BaseException]
) -> None:
    """Nobody knows how far it came: rather told once too often than never."""

    async def cut_off(*_: object) -> int:
        raise lost

    monkeypatch.setattr(type(world.issuer.store.grants), "revoke_user", cut_off)
    with pytest.raises(lost):
        await ending_sessions.sign_out_everywhere(world.issuer, "alice")
    assert await delivered(world) == 0
    world.issuer.clock.ahead = 16  # type: ignore[attr-defined]
    assert await delivered(world) == 1
    assert receiver.of("revoked")[0]["what"] == "user"


async def test_a_queue_that_is_full_holds_up_no_revocation(
    redis: Shape, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a hook does not take for hours must not fill Redis."""
    hooks = {"audit": {"url": receiver.url, "events": ["revoked"]}}
    async with hooked(redis, hooks, hook_notices_most=2) as world:
        client = await world.client()
        tokens = [await world.tokens(client) for _ in range(3)]
        for one in tokens:
            assert (await world.revoke(one["refresh_token"])).status == 200
            assert not await world.is_active(one["access_token"])
        assert await world.issuer.store.notifications.waiting() == 2
        assert "hook_notifications_lost" in caplog.text
        receiver.turn = saying(503)
        assert await delivered(world) == 2  # and each finds its place again
        assert await world.issuer.store.notifications.waiting() == 2


@pytest.mark.slow
async def test_notices_survive_a_server_that_is_killed(redis: Shape, receiver: Receiver, tmp_path: Path) -> None:
    """Revoked while the hook is away, the process killed, the hook back, another process: told."""
    port = free_port()
    settings: dict[str, Any] = {
        "redis_url": redis.url,
        "signing_key_files": json.dumps([str(signing_keys())]),
        "hooks": json.dumps({"audit": {"url": f"http://127.0.0.1:{port}/hook", "events": ["revoked"]}}),
        "hook_secrets": json.dumps({"audit": HOOK_SECRET}),
    }
    async with hooked(redis, {}) as world:
        tokens = await world.tokens(await world.client())
        async with ServerProcess(tmp_path, **settings) as first:
            async with world.http.session.post(
                f"{first.url}/revoke",
                data={"token": tokens["refresh_token"], "client_id": "app"},
                headers={"Content-Type": "application/x-www-form-urlencoded", **_basic()},
            ) as response:
                assert response.status == 200, await response.text()
            os.kill(first.pid, signal.SIGKILL)
            await first.exit_code()
        assert await world.issuer.store.notifications.waiting() == 1
        application = web.Application()
        application.router.add_post("/hook", receiver.hear)
        async with TestServer(application, port=port), ServerProcess(tmp_path, **settings):
            await world.wait_for_end("{hooks}")
    assert receiver.of("revoked")[0]["what"] == "grant"


def _basic() -> dict[str, str]:
    from tests.world import basic

    return basic("app")


async def test_a_grant_that_was_too_many(redis: Shape, receiver: Receiver) -> None:
    hooks = {"audit": {"url": receiver.url, "events": ["revoked"]}}
    async with hooked(redis, hooks, grants_per_user_and_client=1) as world:
        client = await world.client()
        first = await world.tokens(client)
        await world.tokens(client)
        assert await delivered(world) == 1
    (told,) = receiver.of("revoked")
    says = {"what": "grant", "reason": "grant_over_limit", "grant_id": first["access_token"][6:28], "client_id": "app"}
    assert says.items() <= told.items()
