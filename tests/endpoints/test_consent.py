"""The consent page: who asks for what, and what is remembered of the answer."""

import asyncio
from typing import Any

import pytest

from service.protocol.names import ResponseType
from service.records.consent import Consent
from tests.person import Person
from tests.world import World


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client()
    await world.user()
    await world.user("bob", "builder-bob")
    return Person(world)


async def test_each_scope_is_described(person: Person) -> None:
    """IA-28: in the operator's words, or in ours."""
    async with person.world.having(scopes={"read": "Read your diary"}) as other:
        person.world = other
        shown = await person.log_in(await person.authorize(scope="openid read email offline_access write"))
        for text in (
            "Read your diary",
            "See your e-mail address",
            "Keep access while you are away",
            "<li><bdi>write</bdi></li>",
        ):
            assert text in shown.text
        person.language = "de-CH, en;q=0.5"
        assert "Ihre E-Mail-Adresse sehen" in (await person.get(f"/consent?ticket={shown.form['ticket']}")).text


async def test_yes_is_remembered_no_is_not(person: Person) -> None:
    shown = await person.log_in(await person.authorize(scope="openid email"))
    assert (await person.submit(shown, decision="deny")).error == "access_denied"
    shown = await person.authorize(scope="openid email")
    await person.agree(shown)
    assert "code" in (await person.authorize(scope="openid email")).answer
    assert "code" in (await person.authorize(scope="openid")).answer, "a part of what was allowed"
    assert "code" in (await person.sign_in(scope="openid read")).answer
    assert "code" in (await person.authorize(scope="openid email read")).answer, "allowed one after the other"
    assert (await person.authorize(scope="openid email phone")).action == "/consent"
    (ends,) = person.world.ends(":consents").values()
    assert ends > 0


API, BANK = "https://api.example", "https://bank.example"


async def test_yes_for_one_resource_is_no_yes_for_another(person: Person) -> None:
    """What was allowed at the API is allowed there, and only there; what is remembered at both is what was said at both."""
    client = await person.world.openid_client("reader", audiences=(API, BANK))
    await person.sign_in("reader", scope="openid read", resource=API)
    assert "code" in (await person.authorize("reader", scope="openid read", resource=API)).answer
    assert (
        await person.authorize("reader", scope="openid read", resource=BANK, prompt="none")
    ).error == "consent_required"
    assert (await person.authorize("reader", scope="openid read", prompt="none")).error == "consent_required", "both"
    shown = await person.authorize("reader", scope="openid write", resource=BANK)
    assert BANK in shown.text
    assert API not in shown.text
    await person.agree(shown)
    assert (await person.authorize("reader", scope="openid write", resource=API)).action == "/consent"
    assert (await person.authorize("reader", scope="openid read", resource=BANK)).action == "/consent"
    for resource, scope in ((API, "read"), (BANK, "write")):
        assert "code" in (await person.authorize("reader", scope=f"openid {scope}", resource=resource)).answer
    await person.world.change(client, audiences=())
    assert (await person.authorize("reader", scope="openid read")).action == "/consent", "a token for no resource"


async def test_what_the_release_before_remembered_counts_for_no_resource(person: Person) -> None:
    client = await person.world.openid_client("reader", audiences=(API,))
    await person.sign_in("app")
    before = Consent(("openid", "read"), client.generation, 1)
    await person.world.issuer.store.consents.keep("alice", "reader", before, 1000)
    assert (await person.authorize("reader", scope="openid read")).action == "/consent"
    await person.world.change(client, audiences=())
    assert "code" in (await person.authorize("reader", scope="openid read")).answer


@pytest.mark.parametrize(
    ("response_type", "changes"),
    [
        ("code", {"grant_types": ("client_credentials",)}),
        ("id_token token", {"dpop_bound_access_tokens": True}),
        ("id_token token", {"tls_client_certificate_bound_access_tokens": True}),
        ("id_token token", {"response_types": (ResponseType.CODE,)}),
    ],
)
async def test_nothing_is_issued_that_the_client_may_not_ask_for_any_more(
    person: Person, response_type: str, changes: dict[str, Any]
) -> None:
    """An operator changed it while the user read: no unbound token for a client whose tokens are bound by now."""
    shown = await person.log_in(await person.authorize(response_type=response_type))
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(client, **changes)
    person.world.issuer.store.clients.forget(["app"])
    done = await person.submit(shown, decision="allow")
    assert (done.status, done.location) == (400, "")


async def test_a_person_says_that_they_are_somebody_else(person: Person) -> None:
    shown = await person.log_in(await person.authorize(response_type="id_token"))
    shown = await person.submit(shown, decision="switch")
    assert shown.form["username"] == ""
    shown = await person.log_in(shown, "bob", "builder-bob")
    assert "Signed in as bob" in shown.text
    await person.agree(shown)
    assert "code" in (await person.authorize()).answer


@pytest.mark.parametrize("decision", ["", "maybe", "ALLOW"])
async def test_anything_but_an_answer_changes_nothing(person: Person, decision: str) -> None:
    shown = await person.log_in(await person.authorize())
    assert (await person.submit(shown, decision=decision)).status == 400
    assert (await person.authorize(prompt="none")).error == "consent_required"


async def test_the_answer_counts_once(person: Person) -> None:
    """Raced: of many clicks on the button exactly one gets a code."""
    for _ in range(10):
        shown = await person.authorize(prompt="consent")
        shown = await person.log_in(shown) if shown.action == "/login" else shown
        people = [Person(person.world, dict(person.cookies)) for _ in range(20)]
        answers = await asyncio.gather(
            *(one.submit(shown, decision="allow", n=str(number)) for number, one in enumerate(people))
        )
        assert sum("code" in answer.answer for answer in answers if answer.location) == 1
        assert {answer.status for answer in answers if not answer.location} == {400}


async def test_a_form_shown_to_one_person_is_not_another_s(person: Person) -> None:
    """Alice's page is open in a tab, bob signs in in another one: her form must not allow anything for him."""
    shown = await person.log_in(await person.authorize(scope="openid email"))
    other = await person.authorize(prompt="login", scope="openid phone")
    await person.log_in(other, "bob", "builder-bob")
    assert (await person.agree(shown)).heading == "This page is no longer valid"
    assert (await person.authorize(scope="openid email")).action == "/consent"


async def test_a_yes_too_late_for_the_session_is_asked_again_after_the_password(person: Person) -> None:
    """What is too old to answer the client is too old to allow it anything, in this request or in any other one."""
    shown = await person.log_in(await person.authorize(scope="openid email", max_age="60"))
    assert shown.action == "/consent"
    shown = await person.authorize(scope="openid email", max_age="60")
    assert shown.action == "/consent"
    real = person.world.issuer.clock
    async with person.world.with_part(clock=lambda: real() + 90) as later:
        person.world = later
        again = await person.agree(shown)
        assert again.action == "/login"
        assert (await person.log_in(again)).action == "/consent"
        assert (await person.authorize(scope="openid email", prompt="none")).error == "consent_required"


async def test_without_the_page_s_word_nothing_is_allowed(person: Person) -> None:
    """Cross-site request forgery."""
    shown = await person.log_in(await person.authorize())
    form = {"ticket": shown.form["ticket"], "csrf": "A" * 43, "decision": "allow"}
    assert (await person.post("/consent", form)).status == 400


async def test_a_session_that_ended_meanwhile_cannot_agree(person: Person) -> None:
    shown = await person.log_in(await person.authorize())
    person.world.expire("{session:")
    assert (await person.agree(shown)).heading == "This page is no longer valid"
    again = await person.get(f"/consent?ticket={shown.form['ticket']}")
    assert again.heading == "Sign in"


async def test_the_page_shows_who_asks(person: Person) -> None:
    """oidcc-registration-logo-uri, -policy-uri, -tos-uri; the logo's origin is all that the policy lets in."""
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(
        client,
        logo_uri="https://cdn.example/a;b.png",
        policy_uri="https://app.example/policy",
        tos_uri="https://app.example/tos",
    )
    shown = await person.authorize()
    for page in (shown, await person.log_in(shown)):
        for uri in ("https://cdn.example/a;b.png", "https://app.example/policy", "https://app.example/tos"):
            assert uri in page.text
        assert "img-src https://cdn.example" in page.headers["Content-Security-Policy"].split("; ")


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": ("https://else.example/",)},
        {"scopes": ("openid",)},
        {"response_types": ("id_token",)},
        {"generation": 5},
        {"enabled": False},
        {"audiences": ()},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_client_that_was_changed_meanwhile_gets_nothing(person: Person, changes: dict[str, Any]) -> None:
    """An operator takes something away while the person reads: what was asked before counts no more than asked now."""
    client = await person.world.openid_client("other", audiences=("https://api.example",))
    shown = await person.log_in(await person.authorize("other", scope="openid read"))
    await person.world.change(client, **changes)
    person.world.issuer.store.clients.forget(["other"])
    done = await person.agree(shown)
    assert (done.status, done.heading, done.location) == (400, "This page is no longer valid", "")
