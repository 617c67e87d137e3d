"""The same name and the same password, however a keyboard spells them."""

from itertools import product
from typing import Literal
from unicodedata import normalize

import pytest

from service.admin.users import UserInput, create_user, get_user, set_password
from service.directory import BlockedError
from tests.person import Person
from tests.world import World

Form = Literal["NFC", "NFD", "NFKD"]
"""Normalization forms of Unicode."""
NAME, PASSWORD = "amélie", "grüße aus öl"
HOME = "192.0.2.1"


@pytest.mark.parametrize(("name", "password"), list(product(("NFC", "NFD", "NFKD"), ("NFC", "NFD"))))
async def test_a_user_signs_in_by_any_spelling(world: World, name: Form, password: Form) -> None:
    await create_user(world.issuer, UserInput(username=NAME, subject="sub-1"), normalize("NFD", PASSWORD))
    verify = world.issuer.directory.verify
    for around in ("", " ", "\u00a0"):
        found = await verify(f"{around}{normalize(name, NAME)}{around}", normalize(password, PASSWORD), HOME)
        assert found is not None
        assert (found.subject, found.username) == ("sub-1", NAME)
    assert await verify(NAME, PASSWORD + " ", HOME) is None, "a blank is a character of a password"


@pytest.mark.parametrize("hashed", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
async def test_what_was_hashed_before_still_works_and_is_hashed_anew(world: World, hashed: Form, typed: Form) -> None:
    await world.user(NAME, normalize(hashed, PASSWORD))
    assert await world.issuer.directory.verify(NAME, normalize(typed, PASSWORD), HOME)
    user = await world.issuer.store.users.get(NAME)
    assert user is not None
    assert await world.issuer.hashing.verify(normalize("NFC", PASSWORD), user.password_hash)


async def test_an_old_record_under_another_spelling_is_found(world: World) -> None:
    await world.user(normalize("NFD", NAME), subject="sub-1")
    found = await world.issuer.directory.verify(normalize("NFD", NAME), "wonderland", HOME)
    assert found is not None
    assert found.subject == "sub-1"


async def test_spellings_are_no_further_guesses(world: World) -> None:
    """A blank more or a letter in two parts is the same name to whoever counts."""
    await world.user(NAME)
    async with world.having(user_failures_allowed=2, failure_first_delay=60) as strict:
        verify = strict.issuer.directory.verify
        for spelled in (NAME, f" {NAME}", normalize("NFD", NAME)):
            assert await verify(spelled, "guess", HOME) is None
        with pytest.raises(BlockedError):
            await verify(f"{NAME} ", "wonderland", HOME)


async def test_operators_find_a_user_by_any_spelling(world: World) -> None:
    await world.user(NAME, subject="sub-1")
    assert (await get_user(world.issuer, normalize("NFD", NAME) + " ")).username == NAME
    await set_password(world.issuer, normalize("NFD", NAME), normalize("NFD", PASSWORD))
    assert await world.issuer.directory.verify(NAME, PASSWORD, HOME)


async def test_a_blank_after_the_name_is_nothing_at_the_login_page(world: World) -> None:
    await world.openid_client()
    await world.user(NAME)
    person = Person(world)
    shown = await person.log_in(await person.authorize(), normalize("NFD", NAME) + " ")
    assert (await person.agree(shown)).answer["code"]


async def test_a_password_that_is_too_short_is_so_in_any_spelling(world: World) -> None:
    from service.admin.errors import InvalidInput

    with pytest.raises(InvalidInput, match="8 to 1024"):
        await create_user(world.issuer, UserInput(username="bob"), normalize("NFD", "üüüüüü"))
