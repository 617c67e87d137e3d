"""Sessions that end while something is under way: nothing slips through (P6), on every shape of Redis."""

import asyncio
from itertools import islice

import pytest

from service.directory import Person as Known
from service.login import ending_sessions, sessions
from service.login.interaction import StaleError
from service.protocol.errors import AccessDenied
from service.records.session import Session
from tests.patience import until
from tests.person import Person
from tests.world import VERIFIER, World

RACES = 40


async def session_of(person: Person) -> Session:
    session = await sessions.read(person.world.issuer, person.cookies["mintmark_session"])
    assert session is not None
    return session


async def test_a_logout_that_overlaps_an_authorization_leaves_nothing_alive(any_world: World) -> None:
    """Raced: whatever the client got, in the end none of it counts; and nobody is signed in."""
    await any_world.openid_client()
    await any_world.user()
    for number in range(RACES):
        person = Person(any_world)
        await person.sign_in()
        session = await session_of(person)

        async def authorize(person: Person = person) -> dict[str, str]:
            shown = await Person(any_world, dict(person.cookies)).authorize(response_type="code token")
            return shown.answer if shown.location else {}

        under_way = [asyncio.ensure_future(authorize()) for _ in range(4)]
        for answered in islice(asyncio.as_completed(under_way), number % 4):  # the others overlap
            await answered
        await ending_sessions.end_session(any_world.issuer, session)
        granted = [answer for answer in await asyncio.gather(*under_way) if "code" in answer]
        assert len(granted) >= number % 4
        for answer in granted:
            assert not await any_world.is_active(answer["access_token"])
            assert (await any_world.redeem(answer["code"], code_verifier=VERIFIER)).status == 400
        assert (await person.authorize(prompt="none")).error == "login_required"


async def test_a_logout_that_overlaps_a_refresh_leaves_nothing_alive(any_world: World) -> None:
    await any_world.openid_client()
    await any_world.user()
    for _ in range(RACES // 2):
        person = Person(any_world)
        shown = await person.sign_in()
        tokens = await (await any_world.redeem(shown.answer["code"], code_verifier=VERIFIER)).json()
        session = await session_of(person)
        refreshed, ended = await asyncio.gather(
            any_world.refresh(tokens["refresh_token"]), ending_sessions.end_session(any_world.issuer, session)
        )
        assert ended.grants == 1
        if refreshed.status == 200:
            body = await refreshed.json()
            assert not await any_world.is_active(body["access_token"])
            assert (await any_world.refresh(body["refresh_token"])).status == 400


async def test_of_two_logins_at_once_both_hold_a_session(any_world: World) -> None:
    """Two tabs renew one session: one keeps its sid, the other gets a session of its own; nobody is left without."""
    await any_world.user()
    issuer, alice = any_world.issuer, Known("alice", "alice")
    first = await sessions.sign_in(issuer, alice, None, amr=("pwd",))
    for _ in range(RACES):
        signed = await asyncio.gather(*(sessions.sign_in(issuer, alice, first.session, amr=("pwd",)) for _ in range(3)))
        read = [await sessions.read(issuer, one.cookie) for one in signed]
        assert None not in read
        assert len({one.session.sid for one in signed}) == 3
        first = next(one for one in signed if one.session.sid == first.session.sid)


async def test_of_several_proofs_at_once_one_is_added(any_world: World) -> None:
    """The others are stale; and none brings back a session that ends meanwhile."""
    await any_world.user()
    issuer, alice = any_world.issuer, Known("alice", "alice")
    for _ in range(RACES):
        begun = (await sessions.sign_in(issuer, alice, None, amr=("pwd",))).session
        added = await asyncio.gather(
            *(sessions.strengthen(issuer, begun, ("otp",)) for _ in range(3)), return_exceptions=True
        )
        [signed] = [one for one in added if isinstance(one, sessions.SignedIn)]
        assert sum(isinstance(one, StaleError) for one in added) == 2
        assert (signed.session.sid, signed.session.amr) == (begun.sid, ("pwd", "otp"))
        assert signed.session.auth_time == begun.auth_time
        await asyncio.gather(
            sessions.strengthen(issuer, signed.session, ("sms",)),
            ending_sessions.end_session(issuer, signed.session),
            return_exceptions=True,
        )
        assert await issuer.store.sessions.get(begun.sid) is None


async def test_an_ended_session_cannot_be_renewed(world: World) -> None:
    issuer, alice = world.issuer, Known("alice", "alice")
    await world.user()
    signed = await sessions.sign_in(issuer, alice, None, amr=("pwd",))
    await ending_sessions.end_session(issuer, signed.session)
    again = await sessions.sign_in(issuer, alice, signed.session, amr=("pwd",))
    assert again.session.sid != signed.session.sid
    assert not await sessions.join(issuer, signed.session, "app")


async def test_signing_in_as_somebody_else_ends_the_first_one_s_session(world: World) -> None:
    issuer = world.issuer
    first = await sessions.sign_in(issuer, Known("alice", "alice"), None, amr=("pwd",))
    second = await sessions.sign_in(issuer, Known("bob", "bob"), first.session, amr=("pwd",))
    assert await sessions.read(issuer, first.cookie) is None
    assert (await sessions.read(issuer, second.cookie)).subject == "bob"  # type: ignore[union-attr]


async def test_a_disabled_user_gets_no_session(any_world: World) -> None:
    await any_world.user()
    await any_world.set_enabled("alice", enabled=False)
    with pytest.raises(AccessDenied):
        await sessions.sign_in(any_world.issuer, Known("alice", "alice"), None, amr=("pwd",))
    assert not any_world.key_names("{session:")


@pytest.mark.parametrize("cookie", ["", "x", "mm_ss_" + "A" * 65, "mm_at_" + "A" * 65, "mm_ss_" + "A" * 5000])
async def test_a_cookie_that_is_none_is_nobody(world: World, cookie: str) -> None:
    assert await sessions.read(world.issuer, cookie) is None


async def test_the_right_sid_with_the_wrong_secret_is_nobody(world: World) -> None:
    """The sid is in every ID token; only the cookie's secret counts."""
    await world.user()
    signed = await sessions.sign_in(world.issuer, Known("alice", "alice"), None, amr=("pwd",))
    assert await sessions.read(world.issuer, signed.cookie[:28] + "A" * 43) is None


async def test_a_session_lives_as_long_as_it_is_used_but_not_for_ever(world: World) -> None:
    """Idle and absolute limit, by the key's own TTL (P4)."""
    await world.user()
    start = int(world.issuer.clock())
    async with world.having(session_idle_lifetime=1000, session_lifetime=3000) as limited:
        signed = await sessions.sign_in(limited.issuer, Known("alice", "alice"), None, amr=("pwd",))
        assert _end_of(limited) <= start + 1001
        async with limited.with_part(clock=lambda: start + 900.0) as later:
            assert await sessions.read(later.issuer, signed.cookie)
            await _until_it_ends_at(later, start + 1900)
        async with limited.with_part(clock=lambda: start + 2900.0) as latest:
            assert await sessions.read(latest.issuer, signed.cookie)
            await _until_it_ends_at(latest, start + 3000)


async def _until_it_ends_at(world: World, moment: int) -> None:
    """The session is renewed beside the request, so a little later."""

    async def ends_then() -> bool:
        return abs(_end_of(world) - moment) <= 1

    await until(ends_then)


def _end_of(world: World) -> int:
    (end,) = (end for name, end in world.ends("{session:").items() if not name.endswith("clients"))
    return end


async def test_every_session_of_a_user_ends(any_world: World) -> None:
    await any_world.user()
    signed = [await sessions.sign_in(any_world.issuer, Known("alice", "alice"), None, amr=("pwd",)) for _ in range(5)]
    assert (await ending_sessions.end_sessions_of(any_world.issuer, "alice")).sessions == 5
    assert {await sessions.read(any_world.issuer, one.cookie) for one in signed} == {None}
    assert (await ending_sessions.end_sessions_of(any_world.issuer, "alice")).sessions == 0
