"""What an ID token names at logout when nobody's cookie is there: its session, what is left of it, or its grant alone."""

from typing import Any

import pytest

from service.protocol.names import SubjectType
from service.store.keys import Keys
from tests.person import Person
from tests.world import VERIFIER, World

BACK = "https://app.example/signed-out"
ISSUED_OUTSIDE = ["by an operator", "by the decision API", "pairwise"]


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client(post_logout_redirect_uris=(BACK,))
    await world.openid_client("other", backchannel_logout_uri="https://other.example/out")
    await world.user()
    return Person(world)


async def _issued_outside(world: World, how: str = "", scope: str = "openid read") -> dict[str, Any]:
    """Tokens that no browser session stands behind."""
    client = await world.issuer.store.clients.read("app")
    assert client is not None
    if how == "pairwise":
        client = await world.change(client, subject_type=SubjectType.PAIRWISE)
    known_as = "a-lice" if how == "by the decision API" else ""
    response = await world.redeem(await world.code(client, scope=scope, sub=known_as))
    tokens: dict[str, Any] = await response.json()
    assert response.status == 200, tokens
    return tokens


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("how", ISSUED_OUTSIDE)
async def test_a_hint_without_a_session_ends_its_grant_and_no_other(person: Person, how: str, method: str) -> None:
    async with person.world.having(pairwise_salt="salt" * 8) as world:
        mine, other = await _issued_outside(world, how), await _issued_outside(world, how)
        form, browser = {"id_token_hint": mine["id_token"], "post_logout_redirect_uri": BACK}, Person(world)
        for _ in range(2):
            done = await (browser.get("/logout", **form) if method == "GET" else browser.post("/logout", form))
            assert done.location == BACK, "twice is no error"
            assert not await world.is_active(mine["access_token"])
            assert (await world.refresh(mine["refresh_token"])).status == 400
            assert await world.is_active(other["access_token"])


async def test_who_is_signed_in_is_asked_all_the_same(person: Person) -> None:
    """The hint is not of their session: its grant ends, and the rest when they say so."""
    await person.sign_in()
    tokens = await _issued_outside(person.world)
    asked = await person.get("/logout", id_token_hint=tokens["id_token"], post_logout_redirect_uri=BACK)
    assert asked.heading == "Sign out?"
    assert not await person.world.is_active(tokens["access_token"])
    assert not (await person.authorize(prompt="none")).error
    assert (await person.submit(asked, decision="logout")).location == BACK
    assert (await person.authorize(prompt="none")).error == "login_required"


@pytest.mark.parametrize("outlives", [True, False])
async def test_a_grant_for_when_the_person_is_away_ends_by_setting(person: Person, outlives: bool) -> None:
    async with person.world.having(offline_access_outlives_session=outlives) as world:
        tokens = await _issued_outside(world, scope="openid read offline_access")
        shown = await Person(world).get("/logout", id_token_hint=tokens["id_token"])
        assert await world.is_active(tokens["access_token"]) is outlives
        assert ("Nobody is signed in" in shown.text) is outlives


@pytest.mark.parametrize("salt", [None, "salt" * 8])
async def test_what_outlived_its_session_ends_by_the_hint(person: Person, salt: str | None) -> None:
    """A session that was idle for too long has ended, its refresh tokens have not: tokens end, clients are told."""
    async with person.world.having(pairwise_salt=salt) as world:
        client = await world.issuer.store.clients.read("app")
        assert client is not None
        await world.change(client, subject_type=SubjectType.PAIRWISE if salt else SubjectType.PUBLIC)
        person.world = world
        codes = [(await person.sign_in(client_id)).answer["code"] for client_id in ("app", "other")]
        mine, other = [
            await (await world.redeem(code, client_id, code_verifier=VERIFIER)).json()
            for code, client_id in zip(codes, ("app", "other"), strict=True)
        ]
        (sid,) = await world.issuer.store.sessions.of_user("alice")
        for node in world.redis.primaries():
            node.admin.delete(Keys().session(sid))
        assert await world.is_active(mine["access_token"])
        done = await Person(world).post(
            "/logout", {"id_token_hint": mine["id_token"], "post_logout_redirect_uri": BACK}
        )
        assert done.location == BACK
        assert not await world.is_active(mine["access_token"])
        assert not await world.is_active(other["access_token"], "other")
        due = [delivery for _, delivery in await world.issuer.store.logouts.claim(4_000_000_000, 10)]
        assert [delivery.client_id for delivery in due] == ["other"]


async def test_nobody_is_said_to_be_signed_out_by_what_is_no_hint(person: Person) -> None:
    """A backend sees by the status that nothing has ended, a person by the page."""
    tokens = await _issued_outside(person.world)
    head, body, signature = tokens["id_token"].split(".")
    for query in (
        {"id_token_hint": f"{head}.{body}.{signature[::-1]}", "post_logout_redirect_uri": BACK},
        {"id_token_hint": tokens["access_token"]},
        {"id_token_hint": tokens["id_token"], "client_id": "other", "post_logout_redirect_uri": BACK},
    ):
        shown = await Person(person.world).get("/logout", **query)
        assert (shown.status, shown.location, shown.heading) == (400, "", "Nobody was signed out")
        assert await person.world.is_active(tokens["access_token"])
    nobody = await Person(person.world).get("/logout")
    assert (nobody.status, "Nobody is signed in at this browser" in nobody.text) == (200, True)


async def test_a_post_with_a_spent_hint_asks_who_is_signed_in_by_now(person: Person) -> None:
    """The session that it names has ended, another one has begun since: nobody is sent back as if that had ended."""
    old = (await person.sign_in(response_type="id_token")).answer["id_token"]
    await person.get("/logout", id_token_hint=old)
    await person.sign_in()
    form = {"id_token_hint": old, "post_logout_redirect_uri": BACK}
    person.world.http.session.cookie_jar.clear()
    response = await person.world.http.post("/logout", data=form, allow_redirects=False)
    asked = await person.get(response.headers["Location"])
    assert asked.heading == "Sign out?"
    assert (await person.submit(asked, decision="logout")).location == BACK
