"""The same form sent twice, as by a double click: answered once, and the second one gets the answer of the first."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.person import Person, Shown
from tests.world import VERIFIER, World

Way = Callable[[Person], Awaitable[tuple[Shown, dict[str, str]]]]


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client()
    await world.openid_client("own", skip_consent=True)
    await world.user()
    return Person(world)


async def _sign_in(person: Person) -> tuple[Shown, dict[str, str]]:
    return await person.authorize("own"), {"username": "alice", "password": "wonderland"}


async def _sign_in_by_form_post(person: Person) -> tuple[Shown, dict[str, str]]:
    return await person.authorize("own", response_mode="form_post"), {"username": "alice", "password": "wonderland"}


async def _cancel(person: Person) -> tuple[Shown, dict[str, str]]:
    return await person.authorize("own"), {"cancel": "1"}


async def _allow(person: Person) -> tuple[Shown, dict[str, str]]:
    return await person.log_in(await person.authorize(prompt="consent")), {"decision": "allow"}


async def _deny(person: Person) -> tuple[Shown, dict[str, str]]:
    return await person.log_in(await person.authorize(prompt="consent")), {"decision": "deny"}


async def _choose(person: Person) -> tuple[Shown, dict[str, str]]:
    await person.sign_in("own")
    return await person.authorize("own", prompt="select_account"), {"choice": "continue"}


WAYS = (_sign_in, _sign_in_by_form_post, _cancel, _allow, _deny, _choose)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("keeps_first_answer", [False, True], ids=["first answer dropped", "first answer read"])
async def test_the_second_gets_the_answer_of_the_first(person: Person, way: Way, keeps_first_answer: bool) -> None:
    shown, form = await way(person)
    twin = Person(person.world, dict(person.cookies))
    first = await person.submit(shown, **form)
    second = await (person if keeps_first_answer else twin).submit(shown, **form)
    assert (second.status, second.answer, second.location) == (first.status, first.answer, first.location)
    assert first.answer, "an answer for the client"
    assert twin.cookies == person.cookies or keeps_first_answer, "the second one has signed in, too"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_of_many_at_once_one_is_taken_and_all_get_its_answer(person: Person, way: Way) -> None:
    """Raced: one code, one session, one password tried."""
    for _ in range(6):
        person.cookies.clear()
        shown, form = await way(person)
        people = [Person(person.world, dict(person.cookies)) for _ in range(20)]
        answers = await asyncio.gather(*(one.submit(shown, **form) for one in people))
        assert len({(one.status, one.location, str(one.answer)) for one in answers}) == 1
        assert len({one.cookies.get("mintmark_session") for one in people}) == 1
        assert answers[0].answer


async def test_the_code_that_both_got_is_good(person: Person) -> None:
    shown, form = await _allow(person)
    people = [Person(person.world, dict(person.cookies)) for _ in range(2)]
    _, second = await asyncio.gather(*(one.submit(shown, **form) for one in people))
    assert (await person.world.redeem(second.answer["code"], code_verifier=VERIFIER)).status == 200


async def test_a_wrong_password_is_tried_once(person: Person) -> None:
    shown = await person.authorize()
    people = [Person(person.world, dict(person.cookies)) for _ in range(5)]
    wrong = {"username": "alice", "password": "wrong"}
    answers = await asyncio.gather(*(one.submit(shown, **wrong) for one in people))
    assert {answer.text.count("The username or password is wrong.") for answer in answers} == {1}
    assert len({answer.form["csrf"] for answer in answers}) == 1, "the form for the second attempt"
    async with person.world.having(login_attempts=2) as strict:
        person.world = strict
        again = await person.log_in(answers[0])
        assert again.heading == "Allow The App?", "one attempt was left"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_only_the_browser_that_sent_it_gets_the_answer(person: Person, way: Way) -> None:
    """Whoever knows the whole form has nothing without the browser's cookie (and for a consent, the session's)."""
    shown, form = await way(person)
    session = person.cookies.get("mintmark_session", "")
    await person.submit(shown, **form)
    other = Person(person.world)
    await other.authorize()
    thief = await other.submit(shown, **form)
    assert (thief.status, thief.location) == (400, "")
    if shown.action == "/consent":
        half = Person(person.world, {"mintmark_browser": person.cookies["mintmark_browser"]})
        assert session
        assert not (await half.submit(shown, **form)).location


async def test_another_answer_to_the_same_form_is_not_the_first_one_s(person: Person) -> None:
    """Allow, and then Deny on the same page: the answer that was given stands, and is not told again for another word."""
    shown, _ = await _allow(person)
    await person.submit(shown, decision="allow")
    second = await person.submit(shown, decision="deny")
    assert (second.status, second.location) == (400, "")


async def test_the_answer_is_kept_for_a_moment_and_sealed(person: Person) -> None:
    """P5: neither code nor cookie can be read in Redis."""
    shown, form = await _allow(person)
    answer = (await person.submit(shown, **form)).answer
    admin = person.world.redis.nodes[0].admin
    kept = [entry.value for key, entry in person.world.redis.dump().items() if key.startswith(b"mm:{form:")]
    assert kept
    assert all(0 < admin.ttl(key) <= 20 for key in admin.scan_iter("mm:{form:*"))
    secrets = (answer["code"], person.cookies["mintmark_session"], person.cookies["mintmark_browser"])
    assert not [secret for secret in secrets for value in kept if secret.encode()[-43:] in value]
    person.world.expire("{form:")
    late = await person.submit(shown, **form)
    assert (late.status, late.heading) == (400, "This page is no longer valid")
    assert "way-again" in late.text
