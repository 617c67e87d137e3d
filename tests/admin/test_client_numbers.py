"""The numbers of clients: the same for ever, found again, and never two clients' at once."""

import pytest

from service.admin import client_ending
from service.admin.client_numbers import find_client, number_of, own_number
from service.admin.errors import NotFound
from service.store.client_numbers import made_number
from tests.world import World


async def test_a_client_id_that_is_a_number_is_the_number(world: World) -> None:
    client = await world.client("26478243745571")
    assert await number_of(world.issuer, client) == 26478243745571
    assert (await find_client(world.issuer, 26478243745571)).client_id == "26478243745571"
    assert not world.key_names("client-number")


async def test_every_other_client_gets_one_that_is_found_again(world: World) -> None:
    client = await world.client("app", alias="the-app")
    number = await number_of(world.issuer, client)
    assert number == await number_of(world.issuer, client) == made_number("app")
    assert 2**52 <= number < 2**53
    for identifier in (number, str(number), "app", "the-app"):
        assert (await find_client(world.issuer, identifier)).client_id == "app"


async def test_two_clients_never_have_one_number(world: World) -> None:
    """Should another client have it already, the next one is taken, and both are found."""
    app, other = await world.client("app"), await world.client("other")
    await world.issuer.store.client_numbers.take(made_number("app"), "other")
    number = await number_of(world.issuer, app)
    assert number == made_number("app", 1)
    assert (await find_client(world.issuer, number)).client_id == "app"
    assert (await find_client(world.issuer, made_number("app"))).client_id == "other"
    assert await number_of(world.issuer, other) == made_number("other")


async def test_a_client_cannot_be_called_by_a_made_number(world: World) -> None:
    """Whoever registers another client's number as client_id is not found by it, nor has it."""
    app = await world.client("app")
    number = await number_of(world.issuer, app)
    imitator = await world.client(str(number))
    assert await number_of(world.issuer, imitator) != number
    assert (await find_client(world.issuer, number)).client_id == "app"


async def test_the_number_of_a_deleted_client_is_forgotten(world: World) -> None:
    number = await number_of(world.issuer, await world.client("app"))
    await client_ending.delete_client(world.issuer, "app")
    assert not world.key_names("client-number")
    with pytest.raises(NotFound):
        await find_client(world.issuer, number)


@pytest.mark.parametrize(
    ("client_id", "number"),
    [
        *(("1", 1), ("0", None), ("007", None), ("-1", None), ("1e3", None), ("٣", None), ("9" * 30, None), ("", None)),
        *((str(2**52 - 1), 2**52 - 1), (str(2**52), None), (str(2**53), 2**53), (str(2**63), None)),
    ],
)
def test_what_is_written_as_a_number(client_id: str, number: int | None) -> None:
    assert own_number(client_id) == number


@pytest.mark.parametrize("identifier", ["nobody", "123", 5, str(2**52), "", "\udcff", "9" * 30])
async def test_who_is_nobody(world: World, identifier: str | int) -> None:
    with pytest.raises(NotFound):
        await find_client(world.issuer, identifier)
