"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0)."""

import pytest

from service.records.client import Registration
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
async def test_an_address_that_is_not_registered_is_never_gone_to(person: Person, uri: str) -> None:
    """oidcc-rp-initiated-logout-bad-post-logout-redirect-uri, -query-added-to-post-logout-redirect-uri."""
    for named in ({}, {"client_id": "app"}):
        query = {"post_logout_redirect_uri": uri, **named}
        hinted = await person.get("/logout", id_token_hint=await hint_of(person), **query)
        assert (hinted.location, hinted.heading) == ("", "You are signed out")
        assert "Request error" in hinted.text
        assert uri not in hinted.text
        assert not await is_signed_in(person)
        await hint_of(person)
        assert (await person.get("/logout", **query)).location == ""
        assert await is_signed_in(person), "without a hint nothing happens before the person says so"


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
    assert f'<noscript><meta http-equiv="refresh" content="4;url={BACK}"></noscript>' in shown.text
    assert shown.text.count("http-equiv") == 1, "with scripts the script alone leads on"


# without the cookie


async def _tokens(person: Person, client_id: str = "app") -> dict[str, str]:
    shown = await person.sign_in(client_id, scope="openid")
    response = await person.world.redeem(shown.answer["code"], client_id, code_verifier=VERIFIER)
    tokens: dict[str, str] = await response.json()
    return tokens


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_hint_ends_its_session_without_the_cookie(
    person: Person, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A POST from the client's site (SameSite=Lax), or a call of its backend: tokens end, clients are told, all are counted."""
    caplog.set_level("INFO")
    client = await person.world.issuer.store.clients.read("other")
    assert client is not None
    await person.world.change(client, backchannel_logout_uri="https://other.example/out")
    mine = [await _tokens(person), await _tokens(person, "other")]
    elsewhere = await _tokens(Person(person.world))
    stranger, form = Person(person.world), {"id_token_hint": mine[0]["id_token"], "post_logout_redirect_uri": BACK}
    done = await (stranger.get("/logout", **form) if method == "GET" else stranger.post("/logout", form))
    assert done.location == BACK
    for tokens, client_id in zip(mine, ("app", "other"), strict=True):
        assert not await person.world.is_active(tokens["access_token"], client_id)
        assert (await person.world.refresh(tokens["refresh_token"], client_id)).status == 400
    assert not await is_signed_in(person)
    assert await person.world.is_active(elsewhere["access_token"]), "another session of the same person"
    (ended,) = [record for record in caplog.records if record.message == "session_ended"]
    assert (ended.__dict__["grants_ended"], ended.__dict__["sessions_ended"]) == (2, 1)
    due = [delivery for _, delivery in await person.world.issuer.store.logouts.claim(4_000_000_000, 10)]
    assert [delivery.client_id for delivery in due] == ["other"]


async def test_somebody_else_s_hint_ends_that_session_and_no_other(person: Person) -> None:
    """Whoever holds an ID token of another browser can end what it names, not what this browser has."""
    other = Person(person.world)
    theirs, mine = await _tokens(other), await _tokens(person)
    for shown in (
        await person.get("/logout", id_token_hint=theirs["id_token"], post_logout_redirect_uri=BACK),
        await person.get("/logout", id_token_hint=theirs["id_token"]),
    ):
        assert (shown.location, shown.heading) == ("", "Sign out?")
    assert await is_signed_in(person)
    assert await person.world.is_active(mine["access_token"])
    assert not await person.world.is_active(theirs["access_token"])
    assert not await is_signed_in(other)


async def test_a_post_without_the_cookie_is_no_sign_out_by_itself(person: Person) -> None:
    """Without a good hint it is asked again by GET, where the cookie is there; the cookie is not taken away."""
    kept = await hint_of(person)
    head, body, signature = kept.split(".")
    for form in (
        {"client_id": "app", "post_logout_redirect_uri": BACK, "state": "s"},
        {"id_token_hint": f"{head}.{body}.{signature[::-1]}", "client_id": "app", "post_logout_redirect_uri": BACK},
        {"state": "x"},
        {},
    ):
        response = await person.world.http.post("/logout", data=form, allow_redirects=False)
        assert response.status == 303
        assert "Set-Cookie" not in response.headers
        assert "id_token_hint" not in response.headers["Location"]
        shown = await person.get(response.headers["Location"])
        assert shown.heading == "Sign out?"
    for decision in ("logout", "stay"):
        response = await person.world.http.post("/logout", data={"decision": decision, "csrf": "x"})
        assert (response.status, "Set-Cookie" in response.headers) == (400, False)
    assert await is_signed_in(person)


@pytest.mark.parametrize("state", ["", "a b"])
async def test_without_a_hint_the_way_back_waits_for_the_person(person: Person, state: str) -> None:
    """client_id and a registered address are enough to come back, once the person has said yes."""
    await hint_of(person)
    query = {"client_id": "app", "post_logout_redirect_uri": BACK} | ({"state": state} if state else {})
    shown = await person.get("/logout", **query)
    assert "The App asks to sign out alice" in shown.text
    assert (await person.submit(shown, decision="stay")).heading == "You are still signed in"
    done = await person.submit(shown, decision="logout")
    assert done.location == BACK + ("?state=a%20b" if state else "")
    assert not await is_signed_in(person)
    assert (await person.get("/logout", **query)).location.startswith(BACK), "nobody is signed in any more"


@pytest.mark.parametrize("forged", ["https://evil.example/", BACK + "x"])
async def test_the_way_back_is_checked_again(person: Person, forged: str) -> None:
    await hint_of(person)
    shown = await person.get("/logout", client_id="app", post_logout_redirect_uri=BACK)
    done = await person.submit(shown, decision="logout", post_logout_redirect_uri=forged)
    assert (done.location, done.status) == ("", 400)


async def test_nobody_is_sent_to_a_stranger_s_address_at_once(person: Person) -> None:
    """RFC 9700 4.11.2: neither with a hint from another browser, nor without one, unless the person signs out here."""
    client = await person.world.issuer.store.clients.read("other")
    assert client is not None
    await person.world.change(client, registration=Registration("x"))
    theirs = await _tokens(person, "other")
    victim = Person(person.world)
    hinted = {"id_token_hint": theirs["id_token"], "post_logout_redirect_uri": BACK}
    named = {"client_id": "other", "post_logout_redirect_uri": BACK}
    for query in (hinted, hinted, named):
        shown = await victim.get("/logout", **query)
        assert shown.location == ""
        assert f'href="{BACK}"' in shown.text
        assert "http-equiv" not in shown.text
        assert "registered itself" in shown.text
    again = await _tokens(person, "other")
    assert (
        await person.get("/logout", id_token_hint=again["id_token"], post_logout_redirect_uri=BACK)
    ).location == BACK
