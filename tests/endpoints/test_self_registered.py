"""Clients that registered themselves: what people are shown of them, and what they may call themselves (RFC 7591 section 5)."""

import json
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import pytest

from service.admin.approval import approve_client, withdraw_approval
from service.admin.errors import InvalidInput
from service.admin.registration import create_initial_access_token
from service.records.client import Registration
from tests.person import Person
from tests.protocol.test_display_names import BLANK, HEAP, HIDDEN
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
    "name",
    [
        *HIDDEN.values(),
        *BLANK,
        HEAP,
        "Mintmark",
        "Mintmark Support",
        "Log in with Mіntmark",
        "МINTMARK",
        "mint mark",
        "127.0.0.1",
        "http://127.0.0.1:8080",
    ],
)
async def test_names_that_deceive_are_refused(person: Person, member: str, name: str) -> None:
    status, told = await _register(person, **{member: name})
    assert (status, told["error"]) == (400, "invalid_client_metadata")
    assert told["error_description"].startswith(member)


@pytest.mark.parametrize("name", ["Login.Example app", "Sign in at login.example"])
async def test_the_host_of_the_service_is_its_name_too(person: Person, name: str) -> None:
    async with person.world.having(registration="open", issuer="https://login.example/", require_https=False) as world:
        assert (await _register(Person(world), client_name=name))[0] == 400
        assert (await _register(Person(world), client_name="Example of Login"))[0] == 201


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


@pytest.mark.parametrize("uri", ["http://127.0.0.1:4711/cb", "com.example.app:/cb"])
async def test_an_app_on_the_device_has_no_host_to_show_things_of(person: Person, uri: str) -> None:
    logos = {"logo_uri": "http://127.0.0.1:4711/logo.png", "policy_uri": "https://app.example/policy"}
    await person.world.openid_client("phone", redirect_uris=(uri,), registration=Registration("x"), **logos)
    page = await person.authorize("phone", redirect_uri=uri)
    assert not [one for one in logos.values() if one in page.text]


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


# where errors go (RFC 9700 4.11.2)

ERRORS: dict[str, dict[str, str]] = {
    "invalid_scope": {"scope": "openid nonsense"},
    "unsupported_response_type": {"response_type": "nonsense"},
    "invalid_request": {"code_challenge": ""},
    "login_required": {"prompt": "none"},
    "registration_not_supported": {"registration": "{}"},
    "invalid_request_object": {"request": "nonsense"},
    "request_uri_not_supported": {"request_uri": "https://app.example/r"},
}


async def _errors_of(person: Person, client_id: str, **request: str) -> list[Any]:
    return [await person.authorize(client_id, **(asked | request)) for asked in ERRORS.values()]


@pytest.mark.parametrize("mode", ["", "fragment", "form_post"])
async def test_nobody_is_sent_to_a_stranger_at_once(person: Person, mode: str) -> None:
    """An error that its maker wished for is a page, which says where it leads, and goes on where the person wants to."""
    _, made = await _register(person)
    async with person.world.having(registration="open", request_objects="by_value") as world:
        for error, shown in zip(
            ERRORS, await _errors_of(Person(world), made["client_id"], response_mode=mode), strict=True
        ):
            assert (shown.location, shown.error, shown.status) == ("", error, 400)
            assert "registered itself" in shown.text
            assert '<strong id="leads-to">app.example</strong>' in shown.text
            assert "Refresh" not in shown.headers
            assert "http-equiv" not in shown.text
            assert "<script" not in shown.text
            if mode == "form_post":
                assert (shown.action, shown.form["error"], shown.form["state"]) == (CALLBACK, error, "st")
            else:
                begins = CALLBACK + ("#" if mode else "?")
                assert f'href="{begins}error={error}' in shown.text
                assert "state=st" in shown.text


async def test_saying_no_before_signing_in_leads_nowhere_at_once(person: Person) -> None:
    """RFC 9700 4.11.2: the second of its attacks is a person who notices, and cancels."""
    _, made = await _register(person)
    shown = await person.submit(await person.authorize(made["client_id"]), cancel="1")
    assert (shown.location, shown.error) == ("", "access_denied")
    assert "cannot be answered" not in shown.text, "they said no themselves"
    consent = await person.log_in(await person.authorize(made["client_id"]))
    assert (await person.submit(consent, decision="deny")).answer["error"] == "access_denied", "they saw where it leads"
    silent = await person.authorize(made["client_id"], prompt="none")
    assert (silent.location, silent.error) == ("", "consent_required")
    await person.sign_in(made["client_id"])
    assert "code" in (await person.authorize(made["client_id"], prompt="none")).answer


async def test_inside_another_page_an_error_deceives_nobody(person: Person) -> None:
    """Silent renewal in an iframe: a page of ours would not show there, and the address bar is the client's."""
    _, made = await _register(person)
    query = {"client_id": made["client_id"], "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid"}
    for kind, status in (("iframe", 303), ("document", 400), ("", 400)):
        headers = {"Sec-Fetch-Dest": kind} if kind else {}
        response = await person.world.http.get(
            "/authorize", params=query | {"prompt": "none"}, headers=headers, allow_redirects=False
        )
        assert response.status == status


async def test_who_has_an_operator_behind_them_gets_errors_as_ever(person: Person) -> None:
    token = await create_initial_access_token(person.world.issuer, lifetime=60)
    _, by_token = await _register(person, token)
    _, stranger = await _register(person)
    await person.world.public_client("ours", scopes=("openid",))
    async with person.world.having(registration="open", self_registered_redirects="direct") as direct:
        for world, client_id in ((person.world, by_token), (person.world, {"client_id": "ours"}), (direct, stranger)):
            for shown in await _errors_of(Person(world), client_id["client_id"]):
                assert shown.location.startswith(CALLBACK)


async def test_a_bad_initial_access_token_is_refused_where_anybody_may_register(person: Person) -> None:
    """A credential that is shown is looked at: who believes to be vouched for should know that they are not."""
    assert (await _register(person, "mm_it_nonsense"))[0] == 401


# an operator's word for one of them


async def _is_warned_of(person: Person, client_id: str) -> bool:
    """On every page, and by a page of ours before an error goes to the client: all or none of it."""
    login = await Person(person.world).authorize(client_id)
    errors = await _errors_of(Person(person.world), client_id)
    warned = {"registered itself" in login.text, *(not shown.location for shown in errors)}
    assert len(warned) == 1
    return warned.pop()


async def test_an_operator_may_approve_a_stranger_until_it_changes_itself(person: Person) -> None:
    issuer = person.world.issuer
    _, made = await _register(person, logo_uri="https://cdn.example/logo.png")
    client_id, path = made["client_id"], made["registration_client_uri"].removeprefix(issuer.url)
    bearer = {"Authorization": f"Bearer {made['registration_access_token']}", "Content-Type": "application/json"}
    said = {name: made[name] for name in ("client_id", *METADATA, "logo_uri", "grant_types", "response_types", "scope")}
    assert await _is_warned_of(person, client_id)
    approved = await approve_client(issuer, client_id)
    assert not approved.was_registered_openly, "kept for ever, too"
    assert not await _is_warned_of(person, client_id)
    assert "https://cdn.example/logo.png" in (await person.authorize(client_id)).text
    assert (await person.world.http.put(path, json=said, headers=bearer)).status == 200
    assert not await _is_warned_of(person, client_id), "it says what it said before"
    for change in ({"client_name": "Your Bank"}, {"redirect_uris": [CALLBACK, OTHER]}, {"client_name#de": "Bank"}):
        assert (await person.world.http.put(path, json=said | change, headers=bearer)).status == 200
        assert await _is_warned_of(person, client_id), change
        assert (await person.world.http.put(path, json=said, headers=bearer)).status == 200
        assert await _is_warned_of(person, client_id), "not even where it changes back"
        await approve_client(issuer, client_id)
    await withdraw_approval(issuer, client_id)
    assert await _is_warned_of(person, client_id)


async def test_of_others_there_is_nothing_to_approve(person: Person) -> None:
    await person.world.openid_client("ours")
    with pytest.raises(InvalidInput, match="did not register itself"):
        await approve_client(person.world.issuer, "ours")
