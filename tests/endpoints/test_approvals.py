"""Requests that wait for a user: who asks for what, and what comes of the answer."""

import asyncio

import pytest

from service.protocol.names import SubjectType
from tests.backchannel import approvals, ask, asked, backchannel_client, decide, poll, poll_at_last, references
from tests.person import Person
from tests.world import World, error_of


@pytest.fixture
async def person(world: World) -> Person:
    await backchannel_client(world)
    await world.openid_client()
    await world.user()
    await world.user("bob", "builder-of-things")
    return Person(world)


async def test_the_whole_way(person: Person) -> None:
    """Asked, pending, allowed, paid out once."""
    auth_req_id = await asked(person.world, binding_message="W4SCT", scope="openid read offline_access")
    assert await error_of(await poll(person.world, auth_req_id)) == (400, "authorization_pending")
    shown = await approvals(person)
    for text in ("Requests for you", "The Bank", "W4SCT", "Keep access while you are away", "it is a fraud"):
        assert text in shown.text
    done = await decide(person, "allow", shown)
    assert (done.status, done.heading) == (200, "Allowed")
    response = await poll_at_last(person.world, auth_req_id)
    tokens = await response.json()
    assert response.status == 200, tokens
    assert tokens["scope"] == "openid read offline_access"
    assert {"access_token", "refresh_token", "id_token"} <= tokens.keys()
    assert await person.world.is_active(tokens["access_token"], "bank")
    assert references(await approvals(person)) == []
    assert (await person.world.refresh(tokens["refresh_token"], "bank")).status == 200


async def test_who_has_no_requests_is_told_so(person: Person) -> None:
    shown = await approvals(person)
    assert shown.heading == "Requests for you"
    assert "Nobody waits for your approval." in shown.text


async def test_a_denied_request_is_denied_for_ever(person: Person) -> None:
    auth_req_id = await asked(person.world)
    assert (await decide(person, "deny")).heading == "Not allowed"
    for _ in range(2):
        assert await error_of(await poll_at_last(person.world, auth_req_id)) == (400, "access_denied")
    assert references(await approvals(person)) == []


async def test_each_request_is_decided_by_itself(person: Person) -> None:
    first, second = [await asked(person.world, binding_message=word) for word in ("one", "two")]
    shown = await approvals(person)
    at = 0 if shown.text.index(">one<") < shown.text.index(">two<") else 1
    await decide(person, "deny", shown, at)
    await decide(person, "allow")
    assert await error_of(await poll(person.world, first)) == (400, "access_denied")
    assert (await poll(person.world, second)).status == 200


async def test_only_who_is_asked_sees_and_decides_it(person: Person) -> None:
    """Two people, in two browsers: knowing what a request is called is not enough."""
    auth_req_id = await asked(person.world)
    bob = Person(person.world)
    await bob.log_in(await bob.get("/approvals"), "bob", "builder-of-things")
    theirs = await bob.get("/approvals")
    assert references(theirs) == []
    [reference] = references(await approvals(person))
    await asked(person.world, login_hint="bob")
    form = (await bob.get("/approvals")).form
    for decision in ("allow", "deny"):
        shown = await bob.post("/approvals", form | {"request": reference, "decision": decision})
        assert (shown.status, shown.heading) == (400, "This page is no longer valid")
    assert await error_of(await poll(person.world, auth_req_id)) == (400, "authorization_pending")


async def test_two_people_in_one_browser(person: Person) -> None:
    """The page was shown to alice; bob has signed in since: his click decides nothing of hers."""
    auth_req_id = await asked(person.world)
    shown = await approvals(person)
    await person.log_in(await person.authorize(prompt="login"), "bob", "builder-of-things")
    late = await decide(person, "allow", shown)
    assert (late.status, late.heading) == (400, "This page is no longer valid")
    assert await error_of(await poll(person.world, auth_req_id)) == (400, "authorization_pending")
    assert references(await person.get("/approvals")) == [], "and bob sees nothing of it"


async def test_a_form_without_the_word_of_the_page_is_none(person: Person) -> None:
    auth_req_id = await asked(person.world)
    shown = await approvals(person)
    for csrf in ("", "x", "ä"):
        form = {"csrf": csrf, "request": references(shown)[0], "decision": "allow"}
        forged = await person.post("/approvals", form)
        assert forged.status == 400
    assert await error_of(await poll(person.world, auth_req_id)) == (400, "authorization_pending")


async def test_a_double_click_is_one_answer(person: Person) -> None:
    auth_req_id = await asked(person.world)
    shown = await approvals(person)
    both = await asyncio.gather(*(decide(person, "allow", shown) for _ in range(5)))
    assert {one.heading for one in both} == {"Allowed"}
    assert (await poll(person.world, auth_req_id)).status == 200


async def test_allow_and_deny_at_once_are_one_of_them(person: Person) -> None:
    for _ in range(20):
        auth_req_id = await asked(person.world)
        shown = await approvals(person)
        headings = [
            one.heading for one in await asyncio.gather(*(decide(person, word, shown) for word in ("allow", "deny")))
        ]
        assert sorted(headings)[1] == "This page is no longer valid"
        response = await poll(person.world, auth_req_id)
        outcome = "Allowed" if response.status == 200 else "Not allowed"
        assert outcome in headings


@pytest.mark.parametrize(
    "request_", ["", "x", "a.b", "{user:alice}", "ä" * 22 + "." + "b" * 22, "a" * 22 + "." + "b" * 22]
)
async def test_what_names_no_request_changes_nothing(person: Person, request_: str) -> None:
    await asked(person.world)
    shown = await approvals(person)
    late = await person.submit(shown, request=request_, decision="allow")
    assert late.status == 400


async def test_an_answer_that_comes_too_late_says_so(person: Person) -> None:
    auth_req_id = await asked(person.world)
    shown = await approvals(person)
    person.world.expire(":polled:")
    assert (await decide(person, "allow", shown)).status == 400
    assert await error_of(await poll(person.world, auth_req_id)) == (400, "expired_token")


async def test_a_client_that_was_revoked_or_lost_a_scope_asks_nothing_more(person: Person) -> None:
    client = await person.world.issuer.store.clients.read("bank")
    assert client
    auth_req_id = await asked(person.world)
    shown = await approvals(person)
    await person.world.change(client, scopes=("openid",))
    assert (await decide(person, "allow", shown)).status == 400
    assert references(await approvals(person)) == []
    await person.world.change(client, scopes=client.scopes, grant_types=("refresh_token",))
    assert references(await approvals(person)) == []
    await person.world.change(client, grant_types=client.grant_types, generation=client.generation + 1)
    assert await error_of(await poll(person.world, auth_req_id)) == (400, "invalid_grant")


async def test_the_id_token_says_how_the_user_signed_in(person: Person) -> None:
    """By the acr that the client wants, if the session reaches it."""
    rules = [{"acr": "urn:strong", "amr": ["pwd otp"]}, {"acr": "urn:password", "amr": ["pwd"]}]
    async with person.world.having(acr_by_amr=rules) as world:
        person.world = world
        auth_req_id = await asked(world, acr_values="urn:password")
        assert (await decide(person, "allow")).heading == "Allowed"
        tokens = await (await poll(world, auth_req_id)).json()
        claims = await world.issuer.keyring.verify(tokens["id_token"])  # type: ignore[union-attr]
        assert claims
        assert (claims["acr"], claims["amr"]) == ("urn:password", ["pwd"])
        assert "sid" not in claims, "the grant is not of the browser that decided"


async def test_who_signed_in_too_long_ago_signs_in_again(person: Person) -> None:
    """By the max_age of the request, or the default of the client, as in every other request for a user."""
    await backchannel_client(person.world, "careful", default_max_age=60)
    now = person.world
    for client_id, request in (("bank", {"max_age": "60"}), ("careful", {})):
        person.world = now
        await approvals(person)
        async with now.later(61) as later:
            person.world = later
            auth_req_id = await asked(later, client_id, **request)
            shown = await decide(person, "allow")
            assert shown.heading == "Sign in"
            assert await error_of(await poll(later, auth_req_id, client_id)) == (400, "authorization_pending")
            assert (await person.log_in(shown)).heading == "Allowed"
            assert (await poll_at_last(later, auth_req_id, client_id)).status == 200
        person.cookies.clear()


@pytest.mark.parametrize("subject_type", [SubjectType.PUBLIC, SubjectType.PAIRWISE])
async def test_who_signs_in_instead_of_the_user_reads_nothing_of_the_request(
    person: Person, subject_type: SubjectType
) -> None:
    """At a browser for two, where one has to sign in again: the request is not the other's to read, allow or deny."""
    async with person.world.having(pairwise_salt="p" * 43) as world:
        person.world = world
        await backchannel_client(world, subject_type=subject_type)
        await approvals(person)
        auth_req_id = await asked(world, max_age="0")
        shown = await person.log_in(await decide(person, "allow"), "bob", "builder-of-things")
        assert (shown.status, shown.heading, "read" in shown.text) == (200, "Not allowed", False)
        assert "bank" not in await world.issuer.store.consents.of_user("bob")
        assert await error_of(await poll(world, auth_req_id)) == (400, "authorization_pending")
        shown = await decide(Person(world), "allow")
        assert shown.heading == "Sign in", "who is asked may still allow it"


async def test_a_malformed_max_age_is_refused(person: Person) -> None:
    assert await error_of(await ask(person.world, max_age="soon")) == (400, "invalid_request")


async def test_the_user_who_was_disabled_meanwhile_allows_nothing(person: Person) -> None:
    auth_req_id = await asked(person.world)
    shown = await approvals(person)
    await person.world.set_enabled("alice", enabled=False)
    assert (await decide(person, "allow", shown)).status == 400
    assert await error_of(await poll(person.world, auth_req_id)) == (400, "invalid_grant")


async def test_what_was_allowed_is_remembered_as_a_consent(person: Person) -> None:
    await asked(person.world)
    await decide(person, "allow")
    consents = await person.world.issuer.store.consents.of_user("alice")
    assert set(consents["bank"].scopes) == {"openid", "read"}
    assert (await ask(person.world)).status == 200
    assert len(references(await approvals(person))) == 1, "but each request is asked about all the same"


async def test_what_has_ended_hides_nothing(person: Person) -> None:
    """However much of it is still in the index, and ended first."""
    await asked(person.world)
    key, now = person.world.issuer.store.keys.user_approvals("alice"), int(person.world.issuer.clock())
    ended = {f"ended-{number} shop": now - number for number in range(100)}
    person.world.redis.nodes[0].admin.zadd(key, ended)
    assert len(references(await approvals(person))) == 1
