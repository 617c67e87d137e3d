"""How requests end that count once (RFC 9126 section 4) or have an end of their own (RFC 9101): for good, and audibly."""

from typing import Any

import pytest

from tests.login.test_request_object import JWKS, signed
from tests.login.test_ways_on import after_lunch, ways
from tests.person import Person, Shown, usual_request
from tests.pushing import come, pushed
from tests.world import CALLBACK, World

EMAIL = {"scope": "openid email", "claims": '{"id_token":{"email":null}}'}
"""What the response needs the directory and the hooks for."""


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client(skip_consent=True, client_uri="https://app.example/", jwks=JWKS)
    await world.openid_client("careful")
    await world.user()
    return Person(world)


# errors


async def test_the_client_hears_that_its_user_was_disabled_meanwhile(person: Person) -> None:
    asked = await person.log_in(await come(person, await pushed(person.world, "careful", **EMAIL), "careful"))
    await person.world.set_enabled("alice", enabled=False)
    told = await person.agree(asked)
    assert (told.location.startswith(CALLBACK), told.error, told.answer["state"]) == (True, "access_denied", "st")


# beginning again


async def _again(person: Person, shown: Shown) -> Shown:
    """Have it begin again from its ticket, as far as that goes."""
    begun = await person.get("/login", ticket=shown.form["ticket"], again="1")
    return await person.log_in(begun) if begun.heading == "Sign in" else begun


@pytest.mark.parametrize("is_forgotten", [False, True])
async def test_a_pushed_request_that_is_over_does_not_begin_again(person: Person, is_forgotten: bool) -> None:
    """Not in the other browser, nor in the one that ended it, nor when Redis has forgotten that it was spent."""
    uri, other = await pushed(person.world), Person(person.world)
    first, second = await come(person, uri), await come(other, uri)
    assert "code" in (await person.log_in(first)).answer
    if is_forgotten:
        person.world.expire("pushed:")
    for browser, shown in ((person, first), (other, second)):
        late = await _again(browser, shown)
        assert (late.status, late.location, ways(late)) == (400, "", {"client": "https://app.example/"})


async def test_a_pushed_request_does_not_outlive_its_ticket(person: Person) -> None:
    """Nor is that offered: the page leads back to the client, which may push another one."""
    shown = await come(person, await pushed(person.world))
    async with after_lunch(person):
        assert list(ways(await person.log_in(shown))) == ["client"]
        late = await _again(person, shown)
        assert (late.status, late.location, list(ways(late))) == (400, "", ["client"])
        assert "code" in (await person.log_in(await come(person, await pushed(person.world)))).answer


async def test_a_signed_request_does_not_outlive_its_exp(person: Person) -> None:
    inside: dict[str, Any] = usual_request()
    shown = await person.authorize(request=signed(**inside))
    async with after_lunch(person):
        assert list(ways(await person.log_in(shown))) == ["client"]
        late = await _again(person, shown)
        assert (late.status, late.location) == (400, "")


async def test_a_request_of_before_its_client_was_revoked_does_not_begin_again(person: Person) -> None:
    shown = await person.authorize()
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(client, generation=client.generation + 1)
    person.world.issuer.store.clients.forget(["app"])
    late = await _again(person, shown)
    assert (late.status, late.location) == (400, "")
