"""Step-up: an acr that a client wants leads to the steps that give it, and to no others (RFC 9470, Core 5.5.1.1)."""

import json
import sys
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import jwt
import pytest

from service.login.steps import STEPS
from tests.person import Person
from tests.world import VERIFIER, World

FILE = '''
"""A throw-away step, which nobody is asked for unless a client wants what it proves."""

from service.login.steps.step import Passed, Step
from service.protocol.browsing import Page
from service.protocol.errors import InteractionRequired


async def is_needed(issuer, interaction, session):
    return False


async def page(issuer, visit, interaction, session):
    form = {"again": False, "fault": "", "wait": 0, "sign_up_url": "", "signs_up": False}
    return Page("login", {**form, "username": f"the NAME of {session.username}"})


async def take(issuer, visit, interaction, session):
    return Passed(interaction)


async def is_possible(issuer, session):
    return session.username != "bob"


STEP = Step("NAME", is_needed, page, take, InteractionRequired, amr=("NAME",), fields=("NAME",), is_possible=is_possible)
'''
TABLE = (
    {"acr": "high", "amr": ("pwd pin card", "hwk")},
    {"acr": "middle", "amr": ("pwd pin", "face")},
    {"acr": "low", "amr": ("pwd",)},
    {"acr": "nowhere", "amr": ("iris",)},
)


@pytest.fixture(autouse=True)
def further_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two files, and two lines."""
    monkeypatch.syspath_prepend(tmp_path)
    made = []
    for name in ("pin", "card"):
        (tmp_path / f"throw_away_{name}.py").write_text(FILE.replace("NAME", name))
        made.append(import_module(f"throw_away_{name}").STEP)
        STEPS.insert(-1, made[-1])
    yield
    for step in made:
        STEPS.remove(step)
        sys.modules.pop(f"throw_away_{step.name}")


@pytest.fixture
async def person(world: World) -> AsyncIterator[Person]:
    async with world.having(acr_by_amr=TABLE) as made:
        await made.openid_client(skip_consent=True)
        await made.user()
        await made.user("bob")
        yield Person(made)


def essential(*values: str) -> dict[str, str]:
    return {"claims": json.dumps({"id_token": {"acr": {"essential": True, "values": values}}})}


async def tokens(person: Person, code: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The claims of the ID token, and what introspection says of the access token."""
    issued = await (await person.world.redeem(code, code_verifier=VERIFIER)).json()
    claims = jwt.decode(issued["id_token"], options={"verify_signature": False}) if "id_token" in issued else {}
    return claims, await person.world.introspect(issued["access_token"])


async def test_who_wants_nothing_is_asked_for_a_password_alone(person: Person) -> None:
    shown = await person.sign_in()
    claims, described = await tokens(person, shown.answer["code"])
    assert (claims["acr"], described["acr"], claims["amr"]) == ("low", "low", ["pwd"])
    assert described["auth_time"] == claims["auth_time"]


@pytest.mark.parametrize("asked", [{"acr_values": "high"}, essential("high"), {"acr_values": "nowhere high"}])
async def test_what_is_wanted_leads_to_its_steps(person: Person, asked: dict[str, str]) -> None:
    shown = await person.log_in(await person.authorize(**asked))
    assert "the pin of alice" in shown.text
    shown = await person.submit(shown, pin="1")
    assert "the card of alice" in shown.text
    claims, described = await tokens(person, (await person.submit(shown, card="1")).answer["code"])
    assert (claims["acr"], described["acr"], claims["amr"]) == ("high", "high", ["pwd", "pin", "card"])


async def test_a_session_is_asked_only_for_what_is_missing(person: Person) -> None:
    await person.sign_in()
    shown = await person.authorize(acr_values="middle")
    assert "the pin of alice" in shown.text
    claims, _ = await tokens(person, (await person.submit(shown, pin="1")).answer["code"])
    assert claims["acr"] == "middle"
    shown = await person.authorize(acr_values="high")
    assert "the card of alice" in shown.text
    claims, _ = await tokens(person, (await person.submit(shown, card="1")).answer["code"])
    assert claims["acr"] == "high"
    claims, described = await tokens(person, (await person.authorize(acr_values="middle")).answer["code"])
    assert (claims["acr"], described["acr"]) == ("middle", "middle"), (
        "the one that was asked for, though more is reached"
    )
    assert (await tokens(person, (await person.authorize()).answer["code"]))[0]["acr"] == "high"


async def test_any_of_the_wanted_will_do(person: Person) -> None:
    await person.sign_in()
    claims, _ = await tokens(person, (await person.authorize(acr_values="high low")).answer["code"])
    assert claims["acr"] == "low"


async def test_a_wish_that_nothing_gives_is_passed_over(person: Person) -> None:
    """acr_values are voluntary; with prompt=none nobody is asked for them."""
    claims, _ = await tokens(person, (await person.sign_in(acr_values="nowhere")).answer["code"])
    assert claims["acr"] == "low"
    claims, _ = await tokens(person, (await person.authorize(acr_values="high", prompt="none")).answer["code"])
    assert claims["acr"] == "low"


async def test_an_essential_acr_that_no_step_gives_is_refused_before_anybody_is_asked(person: Person) -> None:
    """OpenID Connect Core Unmet Authentication Requirements 1.0."""
    for acr in ("nowhere", "no such class"):
        assert (await person.authorize(**essential(acr))).error == "unmet_authentication_requirements"
    assert (await person.authorize(prompt="none", **essential("high"))).error == "login_required"
    await person.sign_in()
    assert (await person.authorize(prompt="none", **essential("high"))).error == "interaction_required"
    assert "code" in (await person.authorize(prompt="none", **essential("nowhere", "low"))).answer


async def test_an_essential_acr_without_a_value_is_any(person: Person) -> None:
    claims = json.dumps({"id_token": {"acr": {"essential": True}}})
    assert "code" in (await person.sign_in(claims=claims, acr_values="nowhere")).answer


async def test_who_has_no_such_device_is_not_asked_for_it(person: Person) -> None:
    shown = await person.authorize(acr_values="high")
    assert "code" in (await person.log_in(shown, "bob")).answer, "a wish"
    refused = await person.authorize(**essential("middle", "high"))
    assert refused.error == "unmet_authentication_requirements"


async def test_plain_oauth_may_want_an_acr_and_an_age_too(person: Person) -> None:
    """RFC 9470 section 5: a resource server's demand does not wait for the scope openid."""
    shown = await person.log_in(await person.authorize(scope="read", acr_values="middle"))
    _, described = await tokens(person, (await person.submit(shown, pin="1")).answer["code"])
    assert described["acr"] == "middle"
    assert (await person.authorize(scope="read", max_age="0")).heading == "Sign in"
    assert (await person.authorize(scope="read", max_age="soon")).error == "invalid_request"
    document = await (await person.world.http.get("/.well-known/oauth-authorization-server")).json()
    assert document["acr_values_supported"] == ["high", "middle", "low", "nowhere", "1"]
