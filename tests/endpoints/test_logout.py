"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0)."""

import pytest

from tests.person import Person, Shown
from tests.world import VERIFIER, World

BACK = "https://app.example/signed-out"


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client(post_logout_redirect_uris=(BACK,))
    await world.openid_client("other", post_logout_redirect_uris=(BACK,))
    await world.user()
    return Person(world)


async def hint_of(person: Person, client_id: str = "app") -> str:
    return (await person.sign_in(client_id, response_type="id_token")).answer["id_token"]


async def is_signed_in(person: Person) -> bool:
    return not (await person.authorize(prompt="none")).error


@pytest.mark.parametrize("state", ["", "a b&ü"])
async def test_a_client_signs_somebody_out_and_gets_them_back(person: Person, state: str) -> None:
    """oidcc-rp-initiated-logout, -no-state: exactly the registered URI, with state only if there was one."""
    query = {"id_token_hint": await hint_of(person), "post_logout_redirect_uri": BACK, "client_id": "app"}
    shown = await person.get("/logout", **query, **({"state": state} if state else {}))
    assert shown.location == BACK + ("?state=a%20b%26%C3%BC" if state else "")
    assert not await is_signed_in(person)


@pytest.mark.parametrize("hint", ["alice", "somebody-else", "x" * 5000])
async def test_a_logout_hint_changes_nothing(person: Person, hint: str) -> None:
    """RP-Initiated Logout 2: whom it is about is known here, for a browser has one session; so it is taken and not needed."""
    query = {"id_token_hint": await hint_of(person), "post_logout_redirect_uri": BACK, "logout_hint": hint}
    assert (await person.get("/logout", **query)).location == BACK
    assert not await is_signed_in(person)


async def test_it_may_be_posted(person: Person) -> None:
    form = {"id_token_hint": await hint_of(person), "post_logout_redirect_uri": BACK}
    assert (await person.post("/logout", form)).location == BACK


@pytest.mark.parametrize("uri", ["https://evil.example/", BACK + "?a=b", BACK + "/", "//evil.example"])
async def test_an_address_that_is_not_registered_is_a_page(person: Person, uri: str) -> None:
    """oidcc-rp-initiated-logout-bad-post-logout-redirect-uri, -query-added-to-post-logout-redirect-uri."""
    for named in ({}, {"client_id": "app"}):
        query = {"post_logout_redirect_uri": uri, **named}
        hinted = await person.get("/logout", id_token_hint=await hint_of(person), **query)
        assert (hinted.location, hinted.heading) == ("", "Request error")
        assert (await person.get("/logout", **query)).location == ""


async def _ask_and_confirm(person: Person, **query: str) -> Shown:
    shown = await person.get("/logout", **query)
    assert (shown.location, shown.heading) == ("", "Sign out?")
    assert await is_signed_in(person), "nothing happens before the person says so"
    return await person.submit(shown, decision="logout")


@pytest.mark.parametrize(
    "kind", ["missing", "none", "modified", "of the client's own making", "of another client", "of another person"]
)
async def test_without_a_good_hint_the_person_is_asked_and_nobody_redirected(person: Person, kind: str) -> None:
    """oidcc-rp-initiated-logout-no-id-token-hint, -modified-id-token-hint, -bad-id-token-hint."""
    hint = await hint_of(person)
    head, body, signature = hint.split(".")
    await person.world.user("bob", "builder-bob")
    bob = Person(person.world)
    theirs = await bob.agree(await bob.log_in(await bob.authorize(response_type="id_token"), "bob", "builder-bob"))
    query = {
        "missing": {},
        "none": {"id_token_hint": f"eyJhbGciOiJub25lIn0.{body}."},
        "modified": {"id_token_hint": f"{head}.{body[::-1]}.{signature}"},
        "of the client's own making": {"id_token_hint": f"{head}.{body}.{signature[::-1]}"},
        "of another client": {"id_token_hint": hint, "client_id": "other"},
        "of another person": {"id_token_hint": theirs.answer["id_token"]},
    }[kind]
    done = await _ask_and_confirm(person, post_logout_redirect_uri=BACK, state="s", **query)
    assert (done.location, done.heading) == ("", "You are signed out")
    assert BACK not in done.text
    assert not await is_signed_in(person)


async def test_without_anything_the_person_is_asked(person: Person) -> None:
    """oidcc-rp-initiated-logout-no-params, -only-state, -no-post-logout-redirect-uri."""
    await hint_of(person)
    assert (await _ask_and_confirm(person)).heading == "You are signed out"
    await hint_of(person)
    assert (await _ask_and_confirm(person, state="x")).heading == "You are signed out"
    shown = await person.get("/logout", id_token_hint=await hint_of(person))
    assert (shown.location, shown.heading) == ("", "You are signed out")


async def test_a_person_may_stay(person: Person) -> None:
    await hint_of(person)
    shown = await person.get("/logout")
    assert (await person.submit(shown, decision="stay")).heading == "You are still signed in"
    assert await is_signed_in(person)


@pytest.mark.parametrize("csrf", ["", "A" * 43])
async def test_another_site_cannot_sign_somebody_out(person: Person, csrf: str) -> None:
    await hint_of(person)
    assert (await person.post("/logout", {"decision": "logout", "csrf": csrf})).status == 400
    assert await is_signed_in(person)


async def test_who_is_not_signed_in_is_signed_out(person: Person) -> None:
    assert (await person.get("/logout")).heading == "You are signed out"
    hint = await hint_of(person)
    await person.get("/logout", id_token_hint=hint)
    again = await person.get("/logout", id_token_hint=hint, post_logout_redirect_uri=BACK)
    assert again.location == BACK, "twice is no error"


async def test_an_old_hint_will_do(person: Person) -> None:
    """RP-Initiated Logout 4: an ID token that has expired is still a hint; one of a later login is of the same session."""
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(client, id_token_lifetime=1)
    hint = await hint_of(person)
    await person.sign_in(prompt="login")
    async with person.world.with_part(clock=lambda: 4_000_000_000.0) as later:
        person.world = later
        assert (await person.get("/logout", id_token_hint=hint, post_logout_redirect_uri=BACK)).location == BACK


async def test_what_was_granted_in_the_session_ends_with_it(person: Person) -> None:
    """Refresh tokens with offline_access are for when the person is away: they stay, by setting."""
    tokens = {}
    for scope in ("openid", "openid offline_access"):
        shown = await person.sign_in(scope=scope)
        tokens[scope] = await (await person.world.redeem(shown.answer["code"], code_verifier=VERIFIER)).json()
    elsewhere = Person(person.world)
    shown = await elsewhere.sign_in()
    other = await (await person.world.redeem(shown.answer["code"], code_verifier=VERIFIER)).json()
    await person.get("/logout", id_token_hint=tokens["openid"]["id_token"])
    assert not await person.world.is_active(tokens["openid"]["access_token"])
    assert await person.world.is_active(tokens["openid offline_access"]["access_token"])
    assert await person.world.is_active(other["access_token"]), "another session of the same person"
    async with person.world.having(offline_access_outlives_session=False) as strict:
        elsewhere.world = strict
        shown = await elsewhere.sign_in(scope="openid offline_access")
        kept = await (await strict.redeem(shown.answer["code"], code_verifier=VERIFIER)).json()
        await elsewhere.get("/logout", id_token_hint=kept["id_token"])
        assert not await strict.is_active(kept["access_token"])


async def test_front_channel_pages_are_loaded(person: Person) -> None:
    """oidcc-frontchannel-rp-initiated-logout: an iframe with exactly iss and sid."""
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(client, frontchannel_logout_uri="https://app.example/out?x=1")
    hint = await hint_of(person)
    shown = await person.get("/logout", id_token_hint=hint, post_logout_redirect_uri=BACK)
    assert 'src="https://app.example/out?x=1&amp;iss=http%3A%2F%2F127.0.0.1%3A8080&amp;sid=' in shown.text
    assert "frame-src https://app.example" in shown.headers["Content-Security-Policy"]
    assert BACK in shown.text
