"""What happens between somebody's proof and their yes counts; and a ticket is of one request, one browser, one end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.admin import users
from service.crypto.passwords import Hashing
from service.directory import RedisDirectory
from service.login import ending_sessions
from tests.login.test_ways_on import ways
from tests.person import Person, Shown
from tests.world import VERIFIER, World

Event = Callable[[World], Awaitable[object]]


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client()
    await world.openid_client("other", name="The Other")
    await world.openid_client("own", skip_consent=True)
    await world.user()
    return Person(world)


async def _session_ended(world: World) -> None:
    await ending_sessions.end_sessions_of(world.issuer, "alice")


async def _signed_out_everywhere(world: World) -> None:
    await ending_sessions.sign_out_everywhere(world.issuer, "alice")


async def _password_changed(world: World) -> None:
    await users.set_password(world.issuer, "alice", "looking-glass")


async def _disabled(world: World) -> None:
    await users.disable_user(world.issuer, "alice")


async def _deleted(world: World) -> None:
    await users.delete_user(world.issuer, "alice")


EVENTS = (_session_ended, _signed_out_everywhere, _password_changed, _disabled, _deleted)


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("asked", [{}, {"prompt": "login consent"}, {"max_age": "0"}], ids=str)
async def test_an_end_between_proof_and_consent(person: Person, event: Event, asked: dict[str, str]) -> None:
    """Her yes is worth nothing any more, nor is the proof: the page leads to one that asks for a password."""
    shown = await person.log_in(await person.authorize(**asked))
    assert shown.heading == "Allow The App?"
    await event(person.world)
    late = await person.agree(shown)
    assert (late.status, late.location, list(ways(late))) == (400, "", ["continue"])
    assert (await person.get(ways(late)["continue"])).heading == "Sign in"
    assert (await person.get("/consent", ticket=shown.form["ticket"])).heading == "Sign in"
    assert not person.world.ends("{user:alice}:grants")


async def test_a_yes_before_the_end_is_none_after_it(person: Person) -> None:
    """Signed in anew, with the new password, she is asked anew."""
    shown = await person.log_in(await person.authorize(prompt="consent"))
    await _password_changed(person.world)
    late = await person.agree(shown)
    again = await person.log_in(await person.get(ways(late)["continue"]), password="looking-glass")
    assert again.heading == "Allow The App?"
    assert "code" in (await person.agree(again)).answer


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: one.__name__)
async def test_an_end_while_many_say_yes(person: Person, event: Event) -> None:
    """Raced: of what clients got before or after, no code buys anything (P6)."""
    shown = await person.log_in(await person.authorize(prompt="consent"))
    tabs = [shown, *[await person.authorize(prompt="consent") for _ in range(9)]]
    people = [(Person(person.world, dict(person.cookies)), tab) for tab in tabs for _ in range(10)]
    waiting = [one.agree(tab) for one, tab in people]
    answers = await asyncio.gather(*waiting[:50], event(person.world), *waiting[50:])
    codes = {one.answer["code"] for one in answers if isinstance(one, Shown) and "code" in one.answer}
    assert [(await person.world.redeem(code, code_verifier=VERIFIER)).status for code in codes] == [400] * len(codes)
    assert not person.world.ends("{user:alice}:sessions")


@pytest.mark.parametrize("renews", [False, True], ids=["new session", "session renewed"])
async def test_a_password_that_is_changed_while_the_old_one_is_looked_at(person: Person, renews: bool) -> None:
    """The old one was right when it was looked at; what it began ends with it."""
    if renews:
        await person.sign_in()
    verify = person.world.issuer.directory.verify

    class ChangedMeanwhile(RedisDirectory):
        async def verify(self, *asked: Any) -> Any:
            proved = await verify(*asked)
            await _password_changed(person.world)
            return proved

    issuer = person.world.issuer
    directory = ChangedMeanwhile(issuer.store, issuer.hashing, issuer.settings)
    async with person.world.with_part(directory=directory) as world:
        shown = Person(world, person.cookies)
        denied = await shown.log_in(await shown.authorize(prompt="login"))
    assert denied.error == "access_denied"
    assert not person.world.ends("{session:")
    assert (await person.authorize()).heading == "Sign in"


async def test_a_hash_that_a_login_renews_is_no_change_of_the_password(person: Person) -> None:
    """Hashed at another cost than today's: this very login signs in, and the next one."""
    async with person.world.having(argon2_iterations=2) as costlier:
        hashing = Hashing(costlier.issuer.settings)
        directory = RedisDirectory(costlier.issuer.store, hashing, costlier.issuer.settings)
        async with costlier.with_part(directory=directory, hashing=hashing) as world:
            before = await world.issuer.store.users.get("alice")
            for _ in range(2):
                assert "code" in (await Person(world).sign_in("own")).answer
            after = await world.issuer.store.users.get("alice")
            assert before
            assert after
            assert before.password_hash != after.password_hash


# one request, one browser, one end


async def test_the_form_of_one_client_s_ticket_is_none_of_another_s(person: Person) -> None:
    """The yes to The App with the ticket of The Other, and the other way round."""
    app = await person.log_in(await person.authorize())
    other = await person.authorize("other")
    for shown, ticket in ((app, other.form["ticket"]), (other, app.form["ticket"])):
        crossed = await person.submit(shown, ticket=ticket, decision="allow")
        assert (crossed.status, crossed.location) == (400, "")
    assert not person.world.key_names("{user:alice}:consents")
    for shown in (app, other):
        assert "code" in (await person.agree(shown)).answer


async def test_a_ticket_is_of_the_browser_that_asked(person: Person) -> None:
    """Signed in herself elsewhere, with the ticket and even the form; and with this browser's cookie, but not its session."""
    shown = await person.log_in(await person.authorize())
    elsewhere = Person(person.world)
    await elsewhere.sign_in("own")
    for path in ("/login", "/consent"):
        assert (await elsewhere.get(path, ticket=shown.form["ticket"])).status == 400
    assert (await elsewhere.agree(shown)).status == 400
    half = Person(person.world, {"mintmark_browser": person.cookies["mintmark_browser"]})
    assert not (await half.agree(shown)).location
    swapped = Person(person.world, elsewhere.cookies | {"mintmark_browser": person.cookies["mintmark_browser"]})
    assert not (await swapped.agree(shown)).location, "her other session was not asked"


async def test_whoever_looks_a_hundred_times_gets_one_code(person: Person) -> None:
    """Raced: the question is answered in another tab, so its page leads to the client, once."""
    shown = await person.log_in(await person.authorize())
    await person.agree(await person.authorize())
    people = [Person(person.world, dict(person.cookies)) for _ in range(100)]
    seen: list[Shown] = await asyncio.gather(*(one.get("/consent", ticket=shown.form["ticket"]) for one in people))
    assert len([one for one in seen if "code" in one.answer]) == 1
    assert all("way-again" in one.text or "way-continue" in one.text for one in seen if not one.location)


async def test_a_request_that_is_put_again_is_asked_again(person: Person) -> None:
    """The sealed request outlives its end: what was proved and allowed for it does not."""
    shown = await person.log_in(await person.authorize(prompt="login consent"))
    first = (await person.agree(shown)).answer["code"]
    again = await person.get("/login", ticket=shown.form["ticket"], again="1")
    assert again.heading == "Sign in"
    assert (await person.get("/consent", ticket=shown.form["ticket"])).status == 400
    assert (await person.agree(await person.log_in(again))).answer["code"] != first
