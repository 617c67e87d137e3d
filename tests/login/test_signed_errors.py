"""A client whose profile lets it have signed responses alone gets errors so, too (FAPI 1.0 Advanced 5.2.2-2)."""

import time
from typing import Any

import jwt
import pytest

from service.protocol.names import Profile
from tests.certificates import PROXIED
from tests.person import Shown
from tests.profiles import Bank
from tests.world import World


async def shown_for(bank: Bank, response_type: str, **claims: Any) -> Shown:
    """What comes of a request by value, of which only the object says how the response travels."""
    signed = bank.signed(parameters=bank.request(response_type=response_type), **claims)
    outer = bank.request(response_type=response_type, response_mode="")
    return await bank.person.get(
        "/authorize", **{name: value for name, value in outer.items() if value}, request=signed
    )


@pytest.mark.parametrize(
    ("registered", "response_type", "is_signed"),
    [
        (("code",), "code", True),
        (("code", "code id_token"), "code", True),
        (("code", "code id_token"), "code id_token", False),
        (("code id_token",), "code id_token", False),
        (("code id_token",), "code", False),
    ],
)
async def test_an_object_that_cannot_be_trusted_is_told_as_the_client_can_read_it(
    registered: tuple[str, ...], response_type: str, is_signed: bool, world: World
) -> None:
    async with world.having(**PROXIED) as here:
        bank = await Bank(here, Profile.FAPI1_ADVANCED).open(response_types=registered)
        shown = await shown_for(bank, response_type, exp=int(time.time()) - 60)
    answer = shown.answer
    assert ("response" in answer) == is_signed, answer
    if is_signed:
        assert set(answer) == {"response"}
        answer = jwt.decode(answer["response"], options={"verify_signature": False})
        assert answer["aud"] == "app"
    assert answer["error"] == "invalid_request_object"
    assert answer["state"] == bank.request()["state"]


async def test_who_asks_for_no_signed_response_gets_none(world: World) -> None:
    """fapi1-advanced-final-ensure-response-mode-query, …-ensure-response-type-code-fails: the object is to be trusted."""
    async with world.having(**PROXIED) as here:
        bank = await Bank(here, Profile.FAPI1_ADVANCED).open(response_types=("code",))
        for mode in ("query", ""):
            parameters = {name: value for name, value in bank.request(response_mode=mode).items() if value}
            shown = await bank.person.get("/authorize", **parameters, request=bank.signed(parameters=parameters))
            assert shown.error == "invalid_request", shown.answer
