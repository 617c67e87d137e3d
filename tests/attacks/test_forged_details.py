"""Authorization details that attack: each gets the registered error, spends nothing, and is no incident."""

import json
from typing import Any

import pytest

from service.protocol.authorization_details import MAX_BYTES
from service.protocol.names import AccessTokenFormat
from tests.person import Person
from tests.world import VERIFIER, World, error_of

NAME = "authorization_details"
TYPES = {
    "payment": {
        "json_schema": {
            "properties": {"amount": {"type": "string", "maxLength": 9}, "when": {"type": "string", "format": "date"}},
            "required": ["amount"],
            "additionalProperties": {"type": ["string", "object"]},
        }
    },
    "other": {},
    "not-for-this-client": {},
}
HELD = {"type": "payment", "amount": "5.00"}


def one(**members: Any) -> str:
    return json.dumps([{"type": "payment", "amount": "5.00"} | members])


FORGED = {
    "nothing": "[]",
    "no array": '{"type":"payment","amount":"5.00"}',
    "a string": '"payment"',
    "not JSON": "payment",
    "huge": one(note="x" * MAX_BYTES),
    "deep": '[{"type":"payment","amount":' + '{"a":' * 400 + "1" + "}" * 400 + "}]",
    "deeper than any parser": "[" * 4000,
    "many": json.dumps([{"type": "other"}] * 21),
    "an unknown type": '[{"type":"admin"}]',
    "another client's type": '[{"type":"not-for-this-client"}]',
    "one good, one unknown": json.dumps([HELD, {"type": "admin"}]),
    "a type in capitals": '[{"type":"Payment","amount":"5.00"}]',
    "a type that is no text": '[{"type":{"payment":1}}]',
    "a schema that is not kept": one(amount=5),
    "a member too few": '[{"type":"payment"}]',
    "a text too long": one(amount="5000000000.00"),
    "no date": one(when="tomorrow"),
    "two amounts": '[{"type":"payment","amount":"5.00","amount":"5000.00"}]',
    "half a character": '[{"type":"payment","amount":"\\ud800"}]',
    "a number without end": '[{"type":"payment","amount":' + "9" * 3000 + "}]",
    "infinity": '[{"type":"payment","amount":Infinity}]',
    "locations no list": one(locations="https://api.example"),
}


@pytest.fixture
async def bank(world: World) -> Any:
    async with world.having(authorization_details_types=TYPES) as made:
        await made.openid_client(authorization_details_types=("payment", "other"))
        await made.user()
        yield made


@pytest.mark.parametrize("text", FORGED.values(), ids=list(FORGED))
async def test_each_is_refused_where_a_grant_begins(bank: World, text: str) -> None:
    shown = await Person(bank).authorize(**{NAME: text})
    assert (shown.error, shown.answer["state"]) == ("invalid_authorization_details", "st")
    for form in (
        {"grant_type": "client_credentials"},
        {"grant_type": "password", "username": "alice", "password": "wonderland"},
    ):
        assert await error_of(await bank.token(**form, **{NAME: text})) == (400, "invalid_authorization_details")


async def test_each_is_refused_where_a_grant_goes_on_and_spends_nothing(bank: World) -> None:
    """A code and a refresh token are as good after all of them as before."""
    code = (await Person(bank).sign_in(**{NAME: json.dumps([HELD])})).answer["code"]
    widened = {"more": one(note="x"), "another": '[{"type":"other"}]', "twice the amount": one(amount="9.00")}
    widened["it twice"] = json.dumps([HELD, HELD])
    for text in (FORGED | widened).values():
        refused = await bank.redeem(code, code_verifier=VERIFIER, **{NAME: text})
        assert await error_of(refused) == (400, "invalid_authorization_details"), text[:80]
    tokens = await (await bank.redeem(code, code_verifier=VERIFIER)).json()
    for text in (FORGED | widened).values():
        refused = await bank.refresh(tokens["refresh_token"], **{NAME: text})
        assert await error_of(refused) == (400, "invalid_authorization_details"), text[:80]
    assert (await (await bank.refresh(tokens["refresh_token"])).json())[NAME] == [HELD]


@pytest.mark.parametrize("text", ["x" * 4000, "é" * 2000, "\U0001f600" * 1000, '\\"' * 1000, "\\u0001" * 600])
async def test_the_most_that_may_be_asked_for_fits_into_a_jwt(bank: World, text: str) -> None:
    client = await bank.issuer.store.clients.get("app")
    assert client
    await bank.change(client, access_token_format=AccessTokenFormat.JWT)
    details = '[{"type":"other","note":"' + text + '"}]'
    issued = await bank.token(grant_type="client_credentials", **{NAME: details})
    assert (await bank.introspect((await issued.json())["access_token"]))[NAME] == json.loads(details)


async def test_who_knows_no_types_refuses_them_all(world: World) -> None:
    await world.openid_client()
    assert (await Person(world).authorize(**{NAME: json.dumps([HELD])})).error == "invalid_authorization_details"
    assert (await world.token(grant_type="client_credentials")).status == 200


async def test_the_same_refresh_with_other_details_is_another_request(bank: World) -> None:
    """P2: within the grace each gets its own access token, beside the same successor."""
    held = [HELD, {"type": "other", "actions": ["read", "list"]}]
    code = (await Person(bank).sign_in(**{NAME: json.dumps(held)})).answer["code"]
    refresh = (await (await bank.redeem(code, code_verifier=VERIFIER)).json())["refresh_token"]
    first = await bank.refresh(refresh, **{NAME: json.dumps(held[:1])})
    again = await bank.refresh(refresh, **{NAME: json.dumps(held[:1])})
    assert await first.read() == await again.read()
    other = await (await bank.refresh(refresh, **{NAME: json.dumps(held[1:])})).json()
    assert other[NAME] == held[1:]
    assert other["refresh_token"] == (await first.json())["refresh_token"]


async def test_a_member_has_no_power_over_another(bank: World) -> None:
    """Names that mean something elsewhere stay inside; a JWT's own claims are ours."""
    client = await bank.issuer.store.clients.get("app")
    assert client
    detail = {"type": "other", "sub": "bob", "scope": "admin", "__proto__": {"x": 1}, "aud": ["y"]}
    tokens = await (await bank.token(grant_type="client_credentials", **{NAME: json.dumps([detail])})).json()
    described = await bank.introspect(tokens["access_token"])
    assert (described[NAME], described["sub"]) == ([detail], "app")
