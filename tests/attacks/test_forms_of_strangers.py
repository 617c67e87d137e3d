"""Forms that strangers send without end: what answers nothing leaves nothing in Redis, and a request has one name only."""

import pytest

from tests.person import Person, Shown
from tests.world import World

UNFILLED = [{}, {"username": "alice"}, {"password": "wonderland"}, {"username": "", "password": "x"}]


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client(skip_consent=True)
    await world.user()
    return Person(world)


@pytest.mark.parametrize("fields", UNFILLED, ids=str)
async def test_an_unfilled_form_leaves_nothing_behind(person: Person, fields: dict[str, str]) -> None:
    shown = await person.authorize()
    before = person.world.key_names("")
    for number in range(5):
        again = await person.submit(shown, **{"username": "", "password": "", **fields}, junk=str(number))
        assert (again.status, again.heading) == (200, "Sign in")
        assert "user name and" in again.text or "username and" in again.text
    assert person.world.key_names("") == before
    assert (await person.log_in(again)).answer["code"], "and one goes on from there"


async def test_an_unfilled_form_leads_on_where_somebody_signed_in_meanwhile(person: Person) -> None:
    shown = await person.authorize()
    other = await person.authorize()
    await person.log_in(other)
    assert (await person.submit(shown)).answer["code"]


@pytest.mark.parametrize("tail", ["=", "!", "\n", " ", ".", "%"])
async def test_a_ticket_has_one_spelling(person: Person, tail: str) -> None:
    """Else each one would be a request of its own, of which nothing has happened yet."""

    def spelled(shown: Shown) -> dict[str, str]:
        return {"ticket": shown.form["ticket"] + tail}

    shown = await person.authorize()
    assert (await person.get("/login", **spelled(shown))).status == 400
    last = shown.form["ticket"][-1]
    twins = [one for one in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" if one != last]
    answers = [await person.get("/login", ticket=shown.form["ticket"][:-1] + one) for one in twins]
    assert {one.status for one in answers} == {400}, "bits that are nothing in base64url are none here"
