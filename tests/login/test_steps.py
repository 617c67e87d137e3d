"""Login steps: a list of values; a step that is added by a file and a line is shown, taken, and in the tokens."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import jwt
import pytest

from service.login.steps import STEPS
from service.login.steps.step import Step
from service.protocol.credentials import parse
from tests.person import Person, Shown
from tests.world import World

SESSION = "mintmark_session"
FILE = '''
"""A throw-away step: a code."""

from service.login.steps.step import Again, Passed, Step
from service.protocol.browsing import Page
from service.protocol.errors import LoginRequired


async def is_needed(issuer, interaction, session):
    return session is not None and "otp" not in session.amr


async def page(issuer, visit, interaction, session):
    form = {"again": False, "fault": "", "wait": 0, "sign_up_url": "", "signs_up": False}
    return Page("login", {**form, "username": f"the code of {session.username}"})


async def take(issuer, visit, interaction, session):
    if visit.parameters["code"] != "123456":
        return Again(interaction, {"username": "another code"})
    return Passed(interaction)


STEP = Step("one_time_code", is_needed, page, take, LoginRequired, amr=("otp",), fields=("code",))
'''
TABLE = ({"acr": "two", "amr": ("pwd otp", "hwk")}, {"acr": "one", "amr": ("pwd",)})
ESSENTIAL = '{"id_token": {"acr": {"essential": true, "value": "two"}}}'


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client()
    await world.user()
    return Person(world)


@pytest.fixture
def code_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Step]:
    """The one file, and the one line."""
    (tmp_path / "throw_away_step.py").write_text(FILE)
    monkeypatch.syspath_prepend(tmp_path)
    step: Step = import_module("throw_away_step").STEP
    STEPS.insert(STEPS.index(next(one for one in STEPS if one.name == "consent")), step)
    yield step
    if step in STEPS:
        STEPS.remove(step)
    sys.modules.pop("throw_away_step")


def claims_of(shown: Shown) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(shown.answer["id_token"], options={"verify_signature": False})
    return claims


async def code_page(person: Person, **request: str) -> Shown:
    """Come from a client and sign in: the code is asked for next."""
    shown = await person.log_in(await person.authorize(response_type="id_token", **request))
    assert "the code of alice" in shown.text
    return shown


async def test_the_order_of_the_list_is_the_order_of_asking() -> None:
    assert [step.name for step in STEPS] == ["select_account", "password", "consent"]


@pytest.mark.usefixtures("code_step")
async def test_a_step_is_shown_and_taken_between_password_and_consent(person: Person) -> None:
    shown = await code_page(person)
    shown = await person.submit(shown, code="654321")
    assert "another code" in shown.text
    shown = await person.submit(shown)
    assert "the code of alice" in shown.text, "a form without the field answers nothing"
    shown = await person.submit(shown, code="123456")
    assert shown.action == "/consent"
    shown = await person.agree(shown)
    assert claims_of(shown)["amr"] == ["pwd", "otp"]
    again = await person.authorize(response_type="id_token", prompt="none")
    assert claims_of(again)["amr"] == ["pwd", "otp"], "the session holds what was proved"


@pytest.mark.usefixtures("code_step")
async def test_what_a_step_proves_is_in_the_session_under_a_fresh_cookie(person: Person) -> None:
    shown = await code_page(person)
    before = person.cookies[SESSION]
    await person.submit(shown, code="123456")
    assert person.cookies[SESSION] != before
    credential = parse(person.cookies[SESSION])
    assert credential is not None
    session = await person.world.issuer.store.sessions.get(credential.grant_id)
    assert session is not None
    assert session.amr == ("pwd", "otp")
    person.cookies[SESSION] = before
    assert (await person.authorize(prompt="none")).error == "login_required"


@pytest.mark.usefixtures("code_step")
async def test_without_asking_a_step_is_its_error(person: Person) -> None:
    await code_page(person)
    assert (await person.authorize(prompt="none")).error == "login_required"


@pytest.mark.usefixtures("code_step")
async def test_a_step_is_for_pages_of_ours_too(person: Person) -> None:
    shown = await person.log_in(await person.get("/applications"))
    assert "the code of alice" in shown.text
    assert (await person.submit(shown, code="123456")).heading == "Your applications"


async def test_a_step_that_only_another_release_knows_leads_on(person: Person, code_step: Step) -> None:
    """Two releases side by side: what one has shown the other passes over."""
    shown = await code_page(person)
    STEPS.remove(code_step)
    assert (await person.submit(shown, code="123456")).action == "/consent"
    assert (await person.get("/login", ticket=shown.form["ticket"])).action == "/consent"


@pytest.mark.usefixtures("code_step")
async def test_a_step_can_be_cancelled(person: Person) -> None:
    assert (await person.submit(await code_page(person), cancel="1")).error == "access_denied"


@pytest.mark.usefixtures("code_step")
async def test_a_form_of_another_session_is_none_of_this_one(person: Person) -> None:
    shown = await code_page(person)
    await person.world.user("mallory", "mine-mine")
    other = Person(person.world)
    await other.log_in(await other.get("/applications"), "mallory", "mine-mine")
    person.cookies[SESSION] = other.cookies[SESSION]
    assert (await person.submit(shown, code="123456")).status == 400


@pytest.mark.usefixtures("code_step")
async def test_acr_follows_from_what_was_proved(person: Person) -> None:
    async with person.world.having(acr_by_amr=TABLE) as world:
        person.world = world
        document = await (await world.http.get("/.well-known/openid-configuration")).json()
        assert document["acr_values_supported"] == ["two", "one", "1"]
        shown = await person.submit(await code_page(person, claims=ESSENTIAL), code="123456")
        assert claims_of(await person.agree(shown))["acr"] == "two"


async def test_an_essential_acr_that_a_login_does_not_reach_is_an_error(person: Person) -> None:
    """OpenID Connect Core 5.5.1.1: offered, but no step proves so much."""
    async with person.world.having(acr_by_amr=TABLE) as world:
        person.world = world
        shown = await person.sign_in(response_type="id_token")
        assert claims_of(shown)["acr"] == "one"
        assert (await person.authorize(claims=ESSENTIAL)).error == "unmet_authentication_requirements"
