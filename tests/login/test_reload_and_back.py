"""Pages are looked at twice, and gone back to; and whoever is asked to prove themselves anew is asked once, not for ever."""

from collections.abc import Awaitable, Callable

import pytest

from tests.login.test_ways_on import ways
from tests.person import Person, Shown
from tests.world import VERIFIER, World

Open = Callable[[Person], Awaitable[Shown]]


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client()
    await world.openid_client("careful", default_max_age=0)
    await world.user()
    await world.user("bob", "builder-bob")
    return Person(world)


async def _login(person: Person) -> Shown:
    return await person.authorize()


async def _login_after_a_wrong_password(person: Person) -> Shown:
    return await person.log_in(await person.authorize(), password="wrong")


async def _consent(person: Person) -> Shown:
    return await person.log_in(await person.authorize())


async def _selection(person: Person) -> Shown:
    await person.sign_in()
    return await person.authorize(prompt="select_account")


async def _another_account(person: Person) -> Shown:
    return await person.submit(await _selection(person), choice="other")


async def _not_you(person: Person) -> Shown:
    return await person.submit(await _consent(person), decision="switch")


PAGES = (_login, _login_after_a_wrong_password, _consent, _selection, _another_account, _not_you)


@pytest.mark.parametrize("open_page", PAGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("path", ["/login", "/consent"])
async def test_a_page_that_is_reloaded_is_the_same(person: Person, open_page: Open, path: str) -> None:
    """By either address; and the form of before is as good as the one that is shown now."""
    first = await open_page(person)
    again = [await person.get(path, ticket=first.form["ticket"]) for _ in range(2)]
    assert {(one.status, one.heading, one.form["csrf"]) for one in again} == {(200, first.heading, first.form["csrf"])}
    done = await _to_the_end(person, first)
    assert (await person.world.redeem(done.answer["code"], code_verifier=VERIFIER)).status == 200


@pytest.mark.parametrize("open_page", PAGES, ids=lambda one: one.__name__)
async def test_going_back_to_every_page_after_the_end_has_a_way_on(person: Person, open_page: Open) -> None:
    """To the page (GET) and to its form (POST with something else in it)."""
    shown = await open_page(person)
    await _to_the_end(person, shown)
    back = await person.get(shown.action, ticket=shown.form["ticket"])
    sent = await person.submit(shown, username="alice", password="something else", choice="other", decision="deny")
    for one in (back, sent):
        assert (one.status, one.location, "again" in ways(one)) == (400, "", True)


async def test_going_back_from_consent_to_login_and_on(person: Person) -> None:
    """The login page is not shown from the cache (no-store); signed in by now, its address leads to what is due."""
    login = await person.authorize()
    consent = await person.log_in(login)
    back = await person.get("/login", ticket=login.form["ticket"])
    assert (back.heading, back.headers["Cache-Control"]) == ("Allow The App?", "no-store")
    assert "code" in (await person.agree(consent)).answer


# asked for a proof


@pytest.mark.parametrize(
    ("client_id", "asked"),
    [
        ("app", {"max_age": "0"}),
        ("app", {"max_age": "0", "prompt": "consent"}),
        ("app", {"max_age": "0", "prompt": "select_account"}),
        ("app", {"prompt": "login"}),
        ("app", {"prompt": "login consent select_account", "max_age": "0"}),
        ("app", {"max_age": "1"}),
        ("careful", {}),
    ],
    ids=str,
)
async def test_who_proves_themselves_has_done_so(person: Person, client_id: str, asked: dict[str, str]) -> None:
    """Minutes of thinking, a wrong password, reloads and a tab beside it: one right password is enough."""
    await person.sign_in(client_id)
    ahead = 0.0
    real = person.world.issuer.clock
    async with person.world.with_part(clock=lambda: real() + ahead) as world:
        person.world = world
        ahead = 5
        shown = await person.authorize(client_id, scope="openid email", **asked)
        if shown.heading == "Choose an account":
            shown = await person.submit(shown, choice="continue")
        shown = await person.log_in(shown, password="wrong")
        ahead = 200
        shown = await person.log_in(shown)
        assert shown.heading == "Allow The App?"
        ahead = 400
        assert (await person.get("/consent", ticket=shown.form["ticket"])).heading == "Allow The App?"
        await person.sign_in(prompt="login")
        shown = await person.get("/consent", ticket=shown.form["ticket"])
        assert shown.heading == "Allow The App?", "the session was renewed meanwhile, and is the same"
        assert "code" in (await person.agree(shown)).answer


async def test_two_tabs_that_want_a_proof_do_not_undo_each_other(person: Person) -> None:
    """Both are asked for, both are given, and either goes on, in whichever order the answers come."""
    first, second = [await person.authorize(max_age="0", scope="openid email") for _ in range(2)]
    first, second = [await person.log_in(one) for one in (first, second)]
    first = await person.get("/consent", ticket=first.form["ticket"])
    for one in (second, first):
        assert one.heading == "Allow The App?"
        assert "code" in (await person.agree(one)).answer


# two people


@pytest.mark.parametrize("asked", [{}, {"prompt": "consent"}, {"prompt": "login"}, {"max_age": "0"}], ids=str)
async def test_the_open_page_of_who_was_here_before_says_yes_for_nobody(person: Person, asked: dict[str, str]) -> None:
    """Alice's consent page is open while bob signs in beside it; what comes of it is bob's, after he was asked himself."""
    hers = await person.log_in(await person.authorize(scope="openid email", **asked))
    assert "Signed in as alice" in hers.text
    assert "Signed in as bob" in (await _sign_in_beside(person)).text
    clicked = await person.agree(hers)
    assert (clicked.status, list(ways(clicked))) == (400, ["continue"])
    on = await person.get(ways(clicked)["continue"])
    if on.heading == "Sign in":
        on = await person.log_in(on, "bob", "builder-bob")
    assert "Signed in as bob" in on.text
    code = (await person.agree(on)).answer["code"]
    answer = await (await person.world.redeem(code, code_verifier=VERIFIER)).json()
    assert (await person.world.introspect(answer["access_token"]))["sub"] == "bob"
    assert not person.world.key_names("{user:alice}:consents")


@pytest.mark.parametrize("button", ["deny", "switch"])
async def test_her_other_buttons_do_nothing_to_him(person: Person, button: str) -> None:
    hers = await person.log_in(await person.authorize(scope="openid email"))
    his = await _sign_in_beside(person)
    clicked = await person.submit(hers, decision=button)
    assert (clicked.status, clicked.location) == (400, "")
    assert "code" in (await person.agree(his)).answer


async def test_his_selection_page_is_not_hers(person: Person) -> None:
    """ "Continue as alice" is no choice of bob's."""
    await person.sign_in()
    hers = await person.authorize(prompt="select_account")
    await _sign_in_beside(person)
    clicked = await person.submit(hers, choice="continue")
    assert clicked.status == 400
    assert "Continue as bob" in (await person.get(ways(clicked)["continue"])).text


async def _sign_in_beside(person: Person) -> Shown:
    return await person.log_in(await person.authorize(prompt="login"), "bob", "builder-bob")


async def _to_the_end(person: Person, shown: Shown) -> Shown:
    """Whatever is asked is answered."""
    if shown.heading == "Choose an account":
        shown = await person.submit(shown, choice="continue")
    if shown.heading == "Sign in":
        shown = await person.log_in(shown)
    return shown if shown.location else await person.agree(shown)
