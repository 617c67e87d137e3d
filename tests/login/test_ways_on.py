"""No page is a dead end: whoever comes late, twice or from another tab is led on, or has a link to go on by."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.person import Person, Shown
from tests.world import CALLBACK, World


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client(client_uri="https://app.example/")
    await world.openid_client("own", skip_consent=True, client_uri="https://app.example/")
    await world.user()
    await world.user("bob", "builder-bob")
    return Person(world)


def ways(shown: Shown) -> dict[str, str]:
    """The links of an error page."""
    found = re.findall(r'id="way-(\w+)" href="([^"]*)"', shown.text)
    return {kind: to.replace("&amp;", "&") for kind, to in found}


@asynccontextmanager
async def after_lunch(person: Person, seconds: int = 3600) -> AsyncIterator[None]:
    world, later = person.world, time.time() + seconds
    async with world.with_part(clock=lambda: later) as then:
        person.world = then
        yield
    person.world = world


# the second tab


async def test_the_second_tab_is_led_on_after_the_first_one_signed_in(person: Person) -> None:
    """Its form was shown before anybody was signed in, and is as good as it was."""
    first, second = await person.authorize("own"), await person.authorize(scope="openid email")
    assert "code" in (await person.log_in(first)).answer
    asked = await person.log_in(second)
    assert asked.heading == "Allow The App?"
    assert "code" in (await person.agree(asked)).answer


@pytest.mark.parametrize("prompt", ["", "login", "select_account"])
async def test_the_second_tab_signs_in_whom_it_says(person: Person, prompt: str) -> None:
    """Alice signs in in one tab, bob in the other: neither is taken for the other."""
    first, second = await person.authorize(prompt=prompt), await person.authorize(prompt=prompt)
    assert "Signed in as alice" in (await person.log_in(first)).text
    assert "Signed in as bob" in (await person.log_in(second, "bob", "builder-bob")).text


async def test_the_same_page_in_two_tabs_is_led_on(person: Person) -> None:
    """A tab that was duplicated: the request has moved on meanwhile, and with it the second form."""
    shown = await person.authorize()
    await person.log_in(shown)
    again = await person.submit(shown, username="alice", password="another try")
    assert again.heading == "Allow The App?"


async def test_a_yes_in_the_second_tab_leads_on(person: Person) -> None:
    """Both tabs ask for the same consent; what the first one said is remembered, and the second one's page is no dead end."""
    shown = await person.log_in(await person.authorize())
    second = await person.authorize()
    assert second.heading == "Allow The App?"
    for tab in (shown, second):
        assert "code" in (await person.agree(tab)).answer


async def test_a_no_in_the_second_tab_is_a_no(person: Person) -> None:
    shown = await person.log_in(await person.authorize())
    second = await person.authorize()
    await person.agree(shown)
    assert (await person.submit(second, decision="deny")).error == "access_denied"


async def test_a_form_of_somebody_who_is_gone_links_to_the_request(person: Person) -> None:
    shown = await person.log_in(await person.authorize())
    person.world.expire("{session:")
    late = await person.agree(shown)
    assert (late.status, list(ways(late))) == (400, ["continue"])
    again = await person.log_in(await person.get(ways(late)["continue"]))
    assert "code" in (await person.agree(again)).answer


async def test_a_form_of_an_earlier_attempt_links_to_the_one_that_is_due(person: Person) -> None:
    first = await person.authorize()
    await person.log_in(first, password="wrong")
    stale = await person.log_in(first)
    assert (await person.get(ways(stale)["continue"])).heading == "Sign in"


# over lunch


@pytest.mark.parametrize("page", ["login", "consent", "select_account"])
async def test_after_lunch_there_is_a_way_on(person: Person, page: str) -> None:
    """The request is known though its time is over: it begins anew, with everything that the client asked for."""
    prompt = "select_account" if page == "select_account" else ""
    if prompt:
        await person.sign_in()
    shown = await person.authorize(scope="openid email", state="s", nonce="n", prompt=prompt)
    if page == "consent":
        shown = await person.log_in(shown)
    fields = {"username": "alice", "password": "wonderland", "decision": "allow", "choice": "continue"}
    async with after_lunch(person):
        late = await person.submit(shown, **fields)
        assert (late.status, list(ways(late))) == (400, ["again", "client"])
        assert ways(late)["client"] == "https://app.example/"
        again = await person.get(ways(late)["again"])
        if again.heading == "Sign in":
            again = await person.log_in(again)
        if again.heading == "Choose an account":
            again = await person.submit(again, choice="continue")
        done = await person.agree(again)
    assert {"code", "state"} <= set(done.answer)
    assert done.answer["state"] == "s"


async def test_what_begins_anew_is_checked_anew(person: Person) -> None:
    """An operator took the redirect URI away meanwhile: nobody is sent there, and the page links to what there is."""
    shown = await person.authorize()
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    async with after_lunch(person):
        late = await person.log_in(shown)
        for changes in ({"redirect_uris": ("https://else.example/",)}, {"enabled": False}):
            await person.world.change(client, **changes)
            person.world.issuer.store.clients.forget(["app"])
            again = await person.get(ways(late)["again"])
            assert (again.status, again.location, list(ways(again))) == (400, "", ["applications"])


async def test_another_browser_cannot_begin_it_anew(person: Person) -> None:
    shown = await person.authorize(login_hint="alice@example.com")
    other = Person(person.world)
    await other.authorize()
    for path in ("/login?again=1&ticket=", "/login?ticket="):
        refused = await other.get(path + shown.form["ticket"])
        assert (refused.status, list(ways(refused))) == (400, ["applications"])
        assert "alice@example.com" not in refused.text


async def test_our_own_page_after_lunch(person: Person) -> None:
    shown = await person.get("/applications")
    async with after_lunch(person):
        late = await person.log_in(shown)
        assert list(ways(late)) == ["applications"]
        assert (await person.log_in(await person.get(ways(late)["applications"]))).heading == "Your applications"


async def test_whoever_goes_back_after_the_end_has_a_way(person: Person) -> None:
    shown = await person.authorize()
    await person.agree(await person.log_in(shown))
    back = await person.get("/login", ticket=shown.form["ticket"])
    assert (back.status, list(ways(back))) == (400, ["again", "client"])
    assert "code" in (await person.get(ways(back)["again"])).answer


# every error page


@pytest.mark.parametrize(
    "path",
    [
        "/authorize",
        "/authorize?client_id=nobody",
        f"/authorize?client_id=app&redirect_uri={CALLBACK}x",
        "/login",
        "/login?ticket=nothing",
        "/login?ticket=" + "A" * 500,
        "/login?again=1",
        "/login?again=1&ticket=" + "A" * 500,
        "/consent",
        "/consent?ticket=nothing",
        "/logout?client_id=app&post_logout_redirect_uri=https://evil.example/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_every_error_page_has_a_link(person: Person, path: str, method: str) -> None:
    path, _, query = path.partition("?")
    await person.authorize()
    if method == "GET":
        shown = await person.get(f"{path}?{query}")
    else:
        shown = await person.post(path, dict(one.split("=", 1) for one in query.split("&") if one))
    assert shown.status == 400
    assert ways(shown)


# pages of ours


async def test_signing_out_everywhere_twice_says_so_twice(person: Person) -> None:
    await person.sign_in()
    shown = await person.get("/applications")
    people = [Person(person.world, dict(person.cookies)) for _ in range(10)]
    answers = await asyncio.gather(*(one.submit(shown, everywhere="1") for one in people))
    assert {answer.heading for answer in answers} == {"You are signed out"}
    assert (await people[0].submit(shown, everywhere="1")).heading == "Sign in", (
        "without a cookie it is not known whose"
    )


async def test_ending_an_application_twice_ends_it(person: Person) -> None:
    await person.sign_in()
    shown = await person.get("/applications")
    answers = await asyncio.gather(*(person.submit(shown, end="app") for _ in range(5)))
    assert {"The App has no access any more." in answer.text for answer in answers} == {True}


@pytest.mark.parametrize("path", ["/applications", "/logout"])
async def test_a_form_of_an_earlier_session_links_to_the_page_of_today(person: Person, path: str) -> None:
    """Alice's page is open, and she signed in anew beside it."""
    await person.sign_in()
    shown = await person.get(path)
    await person.sign_in(prompt="login")
    late = await person.submit(shown, everywhere="1", decision="logout")
    assert (late.status, ways(late)) == (400, {"continue": path})
    assert (await person.get(path)).form["csrf"]


async def test_signing_out_twice_leads_back_to_the_client_twice(person: Person) -> None:
    """And its pages for front-channel logout are in both answers."""
    back = "https://app.example/out"
    await person.world.openid_client(
        "leaving", post_logout_redirect_uris=(back,), frontchannel_logout_uri="https://app.example/front"
    )
    await person.sign_in("leaving")
    shown = await person.get("/logout", client_id="leaving", post_logout_redirect_uri=back, state="s")
    people = [Person(person.world, dict(person.cookies)) for _ in range(10)]
    answers = await asyncio.gather(*(one.submit(shown, decision="logout") for one in people))
    assert {("https://app.example/front" in answer.text, f"{back}?state=s" in answer.text) for answer in answers} == {
        (True, True)
    }
