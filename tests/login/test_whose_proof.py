"""A proof and a yes count for who gave them, in the session that they were given in: another cookie has neither."""

import time

import jwt
import pytest

from service.protocol.names import ResponseType
from tests.person import Person, Shown
from tests.world import World

SESSION = "mintmark_session"


@pytest.fixture
async def person(world: World) -> Person:
    """Alice is signed in and has allowed the client everything; mallory has a password of his own, and her browser."""
    await world.openid_client()
    await world.openid_client("trusted", skip_consent=True)
    await world.user()
    await world.user("mallory", "mine-mine")
    person = Person(world)
    await person.sign_in()
    return person


async def with_mallorys_password(person: Person, shown: Shown) -> tuple[str, str]:
    """Mallory puts alice's cookie aside, signs in on her page, and puts it back; his own cookie and the ticket."""
    alice = person.cookies.pop(SESSION)
    shown = await person.get("/login", ticket=shown.form["ticket"])
    after = await person.log_in(shown, "mallory", "mine-mine")
    mallory, person.cookies[SESSION] = person.cookies[SESSION], alice
    assert not after.location or "code" in after.answer
    return mallory, shown.form["ticket"]


@pytest.mark.parametrize(
    "asked",
    [
        {"prompt": "login"},
        {"prompt": "login consent"},
        {"prompt": "login select_account"},
        {"max_age": "0"},
        {"prompt": "login", "max_age": "100000"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/consent", "/login"])
async def test_a_proof_is_of_who_gave_it(person: Person, asked: dict[str, str], path: str) -> None:
    """OpenID Connect Core 3.1.2.1: the End-User is authenticated anew, not somebody."""
    shown = await person.authorize(scope="openid email", **asked)
    if shown.heading != "Sign in":
        shown = await person.submit(shown, choice="continue")
    _, ticket = await with_mallorys_password(person, shown)
    back = await person.get(path, ticket=ticket)
    assert (back.location, back.heading in {"Sign in", "Choose an account"}) == ("", True), back.text
    assert not back.location


async def test_a_proof_without_consent_to_come_is_of_who_gave_it(person: Person) -> None:
    """The client that asks for no consent: mallory's login answers for mallory, never for alice."""
    shown = await person.authorize("trusted", prompt="login", response_type="id_token")
    alice = person.cookies.pop(SESSION)
    done = await person.log_in(await person.get("/login", ticket=shown.form["ticket"]), "mallory", "mine-mine")
    person.cookies[SESSION] = alice
    told = jwt.decode(done.answer["id_token"], options={"verify_signature": False})
    assert told["sub"] == "mallory"
    assert not (await person.get("/login", ticket=shown.form["ticket"])).location


async def test_a_yes_is_of_who_said_it(person: Person) -> None:
    """What mallory allowed in a ticket is nothing that alice allowed, however far his answer got."""
    shown = await person.authorize(scope="openid phone", prompt="consent login")
    mallory, ticket = await with_mallorys_password(person, shown)
    alice, person.cookies[SESSION] = person.cookies[SESSION], mallory
    his = await person.get("/consent", ticket=ticket)
    assert "mallory" in his.text
    person.cookies[SESSION] = alice
    assert (await person.agree(his)).status == 400
    assert (await person.authorize(scope="openid phone")).heading == "Allow The App?"


async def test_a_yes_that_was_cut_off_is_of_who_said_it(person: Person) -> None:
    """Mallory's yes was taken down, and then something broke: with alice's cookie the page asks alice."""
    shown = await person.authorize(scope="openid phone", prompt="consent")
    alice = person.cookies.pop(SESSION)
    his = await person.log_in(await person.get("/login", ticket=shown.form["ticket"]), "mallory", "mine-mine")
    admin = person.world.redis.nodes[0].admin
    admin.set("mm:{user:mallory}:consents", "no hash")
    assert (await person.agree(his)).status == 500
    person.cookies[SESSION] = alice
    back = await person.get("/consent", ticket=shown.form["ticket"])
    assert (back.location, back.heading) == ("", "Allow The App?")


async def test_an_account_is_chosen_by_who_is_signed_in(person: Person) -> None:
    """Alice chose to go on as alice; with another cookie the choice is to be made again."""
    other = Person(person.world, {"mintmark_browser": person.cookies["mintmark_browser"]})
    await other.log_in(await other.authorize(), "mallory", "mine-mine")
    chosen = await person.authorize(scope="openid phone", prompt="select_account")
    asked = await person.submit(chosen, choice="continue")
    assert asked.heading == "Allow The App?"
    person.cookies[SESSION] = other.cookies[SESSION]
    shown = await person.get("/consent", ticket=asked.form["ticket"])
    assert (shown.heading, "Continue as mallory" in shown.text) == ("Choose an account", True)


async def test_two_people_in_two_tabs_answer_for_themselves(person: Person) -> None:
    """Alice's tab waits for her yes when mallory signs in beside it: her proof is not his."""
    hers = await person.log_in(await person.authorize(scope="openid phone", prompt="login"))
    assert "Signed in as alice" in hers.text
    beside = await person.authorize("trusted", prompt="login")
    await person.log_in(beside, "mallory", "mine-mine")
    assert (await person.agree(hers)).status == 400
    assert (await person.get("/consent", ticket=hers.form["ticket"])).heading == "Sign in"


@pytest.mark.parametrize("named_by", ["id_token_hint", "claims"])
async def test_who_is_named_is_who_proves_it(person: Person, named_by: str) -> None:
    """OpenID Connect Core 3.1.2.1, 5.5.1: mallory's password for alice's hint, with her cookie back."""
    hint = (await person.authorize(response_type="id_token")).answer["id_token"]
    named = {"id_token_hint": hint, "claims": '{"id_token": {"sub": {"value": "alice"}}}'}[named_by]
    shown = await person.authorize(prompt="login", scope="openid phone", **{named_by: named})
    alice = person.cookies.pop(SESSION)
    shown = await person.get("/login", ticket=shown.form["ticket"])
    assert (await person.log_in(shown, "mallory", "mine-mine")).error == "login_required"
    person.cookies[SESSION] = alice
    assert not (await person.get("/consent", ticket=shown.form["ticket"])).location


async def test_a_session_that_is_older_than_the_proof_proves_nothing(person: Person) -> None:
    """The same session, renewed by the login, and put back as it was."""
    admin = person.world.redis.nodes[0].admin
    (key,) = [one for one in admin.scan_iter("mm:{session:*") if not one.endswith(b":clients")]
    old, cookie = admin.get(key), person.cookies[SESSION]
    assert old
    shown = await person.authorize(scope="openid phone", prompt="login")
    later = time.time() + 5
    async with person.world.with_part(clock=lambda: later) as then:
        person.world = then
        asked = await person.log_in(shown)
        assert asked.heading == "Allow The App?"
        admin.set(key, old, keepttl=True)
        person.cookies[SESSION] = cookie
        assert (await person.get("/consent", ticket=asked.form["ticket"])).heading == "Sign in"


@pytest.mark.parametrize("response_type", list(ResponseType))
async def test_max_age_0_is_prompt_login(person: Person, response_type: str) -> None:
    """OpenID Connect Core 3.1.2.1; asked within the second of the login, so no age is more than 0 yet."""
    await person.world.openid_client("careful", skip_consent=True, default_max_age=0)
    moment = int(time.time()) + 1
    async with person.world.with_part(clock=lambda: moment + 0.3) as at_once:
        person.world = at_once
        asked = {"response_type": response_type, "max_age": "0"}
        done = await person.log_in(await person.authorize("trusted", **asked))
        assert not done.error, "the proof that was asked for is enough"
        assert (await person.authorize("trusted", **asked)).heading == "Sign in"
        for client_id, more in (("trusted", asked), ("careful", {"response_type": response_type})):
            assert (await person.authorize(client_id, **more)).heading == "Sign in"
            assert (await person.authorize(client_id, **more, prompt="none")).error == "login_required"


@pytest.mark.parametrize(
    ("age", "error"), [(0.0, ""), (0.8, "login_required"), (1.1, "login_required"), (1.9, "login_required")]
)
async def test_a_session_is_never_older_than_max_age(person: Person, age: float, error: str) -> None:
    """``auth_time`` is a whole second, so 1.9 seconds may seem to be one: asked a moment too early, never too late."""
    moment = int(time.time()) + 10
    async with person.world.with_part(clock=lambda: moment + 0.95) as then:
        person.world = then
        await person.log_in(await person.authorize("trusted", prompt="login"))
    async with person.world.with_part(clock=lambda: moment + 0.95 + age) as later:
        person.world = later
        answer = await person.authorize("trusted", prompt="none", max_age="1")
    assert answer.error == error
