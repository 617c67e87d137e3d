"""Your applications: what a person allowed, and how they end it."""

import jwt
import pytest

from tests.person import Person
from tests.world import VERIFIER, World


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client()
    await world.openid_client("other", name="Another")
    await world.user()
    return Person(world)


async def tokens_of(person: Person, client_id: str = "app", **request: str) -> dict[str, str]:
    shown = await person.sign_in(client_id, **request)
    response = await person.world.redeem(shown.answer["code"], client_id, code_verifier=VERIFIER)
    body: dict[str, str] = await response.json()
    return body


async def test_who_is_not_signed_in_does_so_first(person: Person) -> None:
    shown = await person.log_in(await person.get("/applications"))
    assert shown.heading == "Your applications"
    assert "No application has access" in shown.text
    assert (await person.get("/")).heading == "Your applications"


async def test_one_application_is_ended_the_others_stay(person: Person) -> None:
    mine, others = await tokens_of(person, scope="openid read"), await tokens_of(person, "other")
    shown = await person.get("/applications")
    assert shown.text.index("Another") < shown.text.index("The App"), "by name"
    shown = await person.submit(shown, end="app")
    assert "The App has no access any more." in shown.text
    assert not await person.world.is_active(mine["access_token"])
    assert (await person.world.refresh(mine["refresh_token"])).status == 400
    assert await person.world.is_active(others["access_token"], "other")
    assert (await person.authorize(prompt="none", scope="openid read")).error == "consent_required", "asked again"


async def test_signing_out_everywhere_ends_all(person: Person) -> None:
    tokens = await tokens_of(person, scope="openid offline_access")
    elsewhere = Person(person.world)
    await elsewhere.sign_in()
    shown = await person.get("/applications")
    assert (await person.submit(shown, everywhere="1")).heading == "You are signed out"
    assert not await person.world.is_active(tokens["access_token"])
    for one in (person, elsewhere):
        assert (await one.authorize(prompt="none")).error == "login_required"


async def test_signing_out_everywhere_loads_the_front_channel_pages_of_this_browser(person: Person) -> None:
    """OpenID Connect Front-Channel Logout 3: of the session that this browser had, and of no other."""
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(client, frontchannel_logout_uri="https://app.example/out?x=1")
    sids = []
    for one in (Person(person.world), person, Person(person.world)):
        hint = (await one.sign_in(response_type="id_token")).answer["id_token"]
        sids.append(jwt.decode(hint, options={"verify_signature": False})["sid"])
    await person.sign_in("other")
    shown = await person.submit(await person.get("/applications"), everywhere="1")
    assert shown.heading == "You are signed out"
    assert shown.text.count("<iframe") == 1
    frame = f"https://app.example/out?x=1&amp;iss=http%3A%2F%2F127.0.0.1%3A8080&amp;sid={sids[1]}"
    assert f'src="{frame}"' in shown.text
    assert "frame-src https://app.example" in shown.headers["Content-Security-Policy"]


@pytest.mark.parametrize("csrf", ["", "x", "A" * 43])
async def test_another_site_cannot_post_here(person: Person, csrf: str) -> None:
    """Cross-site request forgery."""
    tokens = await tokens_of(person)
    for form in ({"everywhere": "1"}, {"end": "app"}):
        assert (await person.post("/applications", {"csrf": csrf, **form})).status == 400
    assert await person.world.is_active(tokens["access_token"])


async def test_nobody_ends_what_is_not_theirs(person: Person) -> None:
    tokens = await tokens_of(person)
    await person.world.user("mallory", "mine-mine")
    mallory = Person(person.world)
    shown = await mallory.log_in(await mallory.get("/applications"), "mallory", "mine-mine")
    await mallory.submit(shown, end="app")
    assert await person.world.is_active(tokens["access_token"])


async def test_a_client_that_was_deleted_is_not_shown(person: Person) -> None:
    await tokens_of(person)
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.issuer.store.clients.delete(client)
    assert "The App" not in (await person.get("/applications")).text


async def test_what_was_allowed_is_shown_though_nothing_is_alive(person: Person) -> None:
    """A client that may come back without asking has access: a person can see that, and end it."""
    tokens = await tokens_of(person, scope="openid email")
    await person.world.revoke(tokens["refresh_token"])
    await person.world.issuer.store.grants.revoke_user("alice")
    shown = await person.get("/applications")
    assert "The App" in shown.text
    assert "See your e-mail address" in shown.text
    await person.submit(shown, end="app")
    assert (await person.authorize(prompt="none")).error == "consent_required"
    assert "The App" not in (await person.get("/applications")).text


async def test_signing_out_everywhere_forgets_what_was_allowed(person: Person) -> None:
    await tokens_of(person)
    shown = await person.submit(await person.get("/applications"), everywhere="1")
    assert "every browser" in shown.text
    await person.log_in(await person.get("/applications"))
    assert (await person.authorize(prompt="none")).error == "consent_required"
