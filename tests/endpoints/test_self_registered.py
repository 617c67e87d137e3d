"""Clients that registered themselves: what people are shown of them, and what they may call themselves (RFC 7591 section 5)."""

import json
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import pytest

from service.admin.registration import create_initial_access_token
from service.records.client import Registration
from tests.person import Person
from tests.protocol.test_display_names import BLANK, HIDDEN
from tests.world import CALLBACK, World

METADATA = {"redirect_uris": [CALLBACK], "client_name": "Their App", "token_endpoint_auth_method": "none"}


@pytest.fixture
async def person(world: World) -> AsyncIterator[Person]:
    await world.user()
    async with world.having(registration="open", scopes={"read": "Read"}) as other:
        yield Person(other)


async def _register(person: Person, token: str = "", **metadata: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    response = await person.world.http.post("/register", data=json.dumps(METADATA | metadata), headers=headers)
    return response.status, await response.json()


@pytest.mark.parametrize("member", ["client_name", "client_name#de"])
@pytest.mark.parametrize(
    "name", [*HIDDEN.values(), *BLANK, "Mintmark", "МINTMARK", "mint mark", "127.0.0.1", "http://127.0.0.1:8080"]
)
async def test_names_that_deceive_are_refused(person: Person, member: str, name: str) -> None:
    status, told = await _register(person, **{member: name})
    assert (status, told["error"]) == (400, "invalid_client_metadata")
    assert told["error_description"].startswith(member)


async def test_they_are_refused_later_too(person: Person) -> None:
    """RFC 7592 2.2: and under the name that the operator chose for the service."""
    _, made = await _register(person)
    path = made["registration_client_uri"].removeprefix(person.world.issuer.url)
    bearer = {"Authorization": f"Bearer {made['registration_access_token']}"}
    changed = METADATA | {"client_id": made["client_id"], "client_name": "A\u200bcme"}
    response = await person.world.http.put(path, json=changed, headers=bearer)
    assert (response.status, (await response.json())["error"]) == (400, "invalid_client_metadata")
    async with person.world.having(registration="open", service_name="Acme") as acme:
        assert (await _register(Person(acme), client_name="ACME"))[0] == 400
        assert (await _register(Person(acme), client_name="Mintmark"))[0] == 201


@pytest.mark.parametrize(
    ("uri", "leads_to"),
    [
        (CALLBACK, "app.example"),
        ("http://127.0.0.1:4711/cb", "127.0.0.1:4711"),
        ("com.example.app://bank.example/cb", "com.example.app"),
    ],
)
async def test_people_see_who_asks_and_where_they_go(person: Person, uri: str, leads_to: str) -> None:
    """On the pages that come before the answer; of a client that an operator registered the consent page says where, too."""
    _, made = await _register(person, redirect_uris=[uri])
    login = await person.authorize(made["client_id"], redirect_uri=uri)
    consent = await person.log_in(login)
    await person.agree(consent)
    selection = await person.authorize(made["client_id"], redirect_uri=uri, prompt="select_account")
    for page in (login, consent, selection):
        assert "registered itself" in page.text
        assert f'<strong id="leads-to">{leads_to}</strong>' in page.text
    assert "registered itself" in (await person.get("/applications")).text
    await person.world.openid_client("ours", redirect_uris=(uri,))
    ours = await person.authorize("ours", redirect_uri=uri)
    assert f'<strong id="leads-to">{leads_to}</strong>' in ours.text
    assert "registered itself" not in ours.text


async def test_who_was_let_in_by_an_operator_is_still_unchecked(person: Person) -> None:
    token = await create_initial_access_token(person.world.issuer, lifetime=60)
    status, made = await _register(person, token)
    assert status == 201
    assert "registered itself" in (await person.authorize(made["client_id"])).text


OWN, OTHER = "https://app.example/x", "https://bank.example/x"


async def test_only_what_is_theirs_is_shown(person: Person) -> None:
    """Logo and links of another host than the one that gets the answer speak in somebody else's name."""
    members = ("logo_uri", "policy_uri", "tos_uri", "client_uri")
    _, own = await _register(person, **dict.fromkeys(members, OWN))
    _, other = await _register(
        person,
        redirect_uris=[CALLBACK, "https://bank.example/cb"],
        **{member: f"{OTHER}/{member}" for member in members},
    )
    login = await person.authorize(own["client_id"])
    assert login.text.count(f'"{OWN}"') == len(members)
    assert "img-src https://app.example" in login.headers["Content-Security-Policy"]
    consent = await person.log_in(await person.authorize(other["client_id"]))
    for page in (await Person(person.world).authorize(other["client_id"]), consent):
        assert "bank.example" not in page.text
        assert "img-src" not in page.headers["Content-Security-Policy"]
    await person.agree(consent)
    assert "bank.example" not in (await person.get("/applications")).text, "one of its addresses is elsewhere"


async def test_a_name_of_before_is_shown_without_what_deceives(person: Person) -> None:
    """Every page that names a client."""
    for client_id, name, shown in (
        ("turned", "App\u202egnp.exe\u200b", "Appgnp.exe"),
        ("blank", "\u00a0\u200b", "blank"),
        ("ours", "Mіntmark", "ours"),
    ):
        await person.world.openid_client(client_id, name=name, registration=Registration("x"))
        browser = Person(person.world)
        login = await browser.authorize(client_id)
        consent = await browser.log_in(login)
        back = await browser.agree(consent)
        pages = [login, consent, await browser.authorize(client_id, prompt="select_account")]
        pages += [await browser.get("/applications")]
        csrf = pages[-1].form["csrf"]
        assert "code" in back.answer
        pages += [await browser.post("/applications", {"csrf": csrf, "end": client_id})]
        for page in pages:
            assert name not in unescape(page.text)
            assert shown in page.text


async def test_an_operator_may_give_our_name(person: Person) -> None:
    await person.world.openid_client(name="Mintmark")
    assert "to continue to Mintmark" in (await person.authorize()).text
