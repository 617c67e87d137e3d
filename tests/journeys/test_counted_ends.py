"""Whoever ends sessions and grants is told exactly how many: no two count the same one, and none is left out (P6)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from service.admin import sessions as admin_sessions
from service.admin import users
from service.admin.errors import NotFound
from service.login import ending_sessions
from tests.person import Person
from tests.world import VERIFIER, World

ROUNDS = 35
BROWSERS, OPERATORS = 3, 4


async def _signed_in(world: World) -> None:
    """In three browsers, each of which got two grants: one goes with its session, the other is offline."""
    for _ in range(BROWSERS):
        person = Person(world)
        for scope in ("openid", "openid offline_access"):
            shown = await person.sign_in(scope=scope)
            assert (await world.redeem(shown.answer["code"], code_verifier=VERIFIER)).status == 200


async def sign_out(world: World) -> dict[str, int]:
    return (await users.sign_out_user(world.issuer, "alice")).counts


async def disable(world: World) -> dict[str, int]:
    return (await users.disable_user(world.issuer, "alice")).counts


async def set_password(world: World) -> dict[str, int]:
    return (await users.set_password(world.issuer, "alice", "a new wonderland")).counts


async def end_each_session(world: World) -> dict[str, int]:
    total = ending_sessions.EndedSessions()
    for session in (await admin_sessions.list_sessions(world.issuer, "alice")).rows:
        try:
            ended = await admin_sessions.end_session(world.issuer, session.sid)
        except NotFound:
            continue
        total = ending_sessions.EndedSessions(total.grants + ended.grants, sessions=total.sessions + ended.sessions)
    return total.counts


@pytest.mark.parametrize("how", [sign_out, disable, set_password, end_each_session])
async def test_the_count_of_one_is_what_was_alive(
    any_world: World, how: Callable[[World], Awaitable[dict[str, int]]]
) -> None:
    """Offline grants outlive sessions, and a new password."""
    await any_world.openid_client()
    await any_world.user()
    await _signed_in(any_world)
    grants = 2 * BROWSERS if how in (sign_out, disable) else BROWSERS
    assert await how(any_world) == {"grants_ended": grants, "sessions_ended": BROWSERS}
    assert await how(any_world) == {"grants_ended": 0, "sessions_ended": 0}


@pytest.mark.slow
async def test_the_counts_of_many_at_once_add_up(any_world: World) -> None:
    await any_world.openid_client()
    await any_world.user()
    for _ in range(ROUNDS):
        await _signed_in(any_world)
        told = await asyncio.gather(*(sign_out(any_world) for _ in range(OPERATORS)), end_each_session(any_world))
        total = {name: sum(counts[name] for counts in told) for name in told[0]}
        assert total == {"grants_ended": 2 * BROWSERS, "sessions_ended": BROWSERS}
