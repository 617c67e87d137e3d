"""Authorization details from the request to the resource server: asked for, agreed to, kept, narrowed, said (RFC 9396)."""

import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from service.protocol.names import AccessTokenFormat, ResponseType
from service.settings import SettingsError
from tests.assertions import JWKS, Signer
from tests.person import Person
from tests.redis_shapes import Shape
from tests.world import VERIFIER, World, error_of, settings_for

NAME = "authorization_details"
API, BANK = "https://api.example", "https://bank.example"
TYPES = {
    "payment": {
        "title": "Pay {amount.value} {amount.currency} to {creditorName}",
        "labels": {"creditorAccount.iban": "Account", "reference": ""},
        "json_schema": {
            "required": ["amount", "creditorName"],
            "properties": {
                "type": {"const": "payment"},
                "amount": {"$ref": "#/$defs/amount"},
                "creditorName": {"type": "string", "minLength": 1},
            },
            "$defs": {
                "amount": {"type": "object", "properties": {"value": {"type": "string", "pattern": r"^\d+\.\d\d$"}}}
            },
        },
    },
    "account": {},
}
PAYMENT: dict[str, Any] = {
    "type": "payment",
    "amount": {"value": "123.50", "currency": "EUR"},
    "creditorName": "Merchant <b>",
    "creditorAccount": {"iban": "DE02100100109307118603"},
    "reference": "internal-7",
    "locations": [BANK],
}
ACCOUNT: dict[str, Any] = {"type": "account", "actions": ["list", "read"], "locations": [API]}
BOTH = [PAYMENT, ACCOUNT]


def said(*details: dict[str, Any]) -> dict[str, str]:
    return {NAME: json.dumps(details)}


@pytest.fixture
async def bank(world: World) -> AsyncIterator[World]:
    """A service that knows payments and accounts, a client that may ask for both, and alice."""
    async with world.having(authorization_details_types=TYPES, scopes={"read": "Read your data"}) as made:
        await made.openid_client(authorization_details_types=tuple(TYPES), audiences=(API, BANK))
        await made.user()
        yield made


async def redeemed(world: World, person: Person, **request: str) -> dict[str, Any]:
    code = (await person.sign_in(**request)).answer["code"]
    response = await world.redeem(code, code_verifier=VERIFIER)
    assert response.status == 200, await response.text()
    body: dict[str, Any] = await response.json()
    return body


async def test_discovery_names_the_types(world: World, bank: World) -> None:
    for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
        document = await (await bank.http.get(path)).json()
        assert document["authorization_details_types_supported"] == ["account", "payment"]
        assert "authorization_details_types_supported" not in await (await world.http.get(path)).json()


async def test_a_person_reads_what_they_allow(bank: World) -> None:
    person = Person(bank)
    shown = await person.log_in(await person.authorize(**said(*BOTH)))
    for text in ("Pay 123.50 EUR to Merchant &lt;b&gt;", "<dt>Account</dt><dd>DE02100100109307118603</dd>"):
        assert text in shown.text
    for text in (
        "<strong>account</strong>",
        "<dt>What it may do</dt><dd>list, read</dd>",
        f"<dt>At</dt><dd>{API}</dd>",
    ):
        assert text in shown.text
    assert "internal-7" not in shown.text, "its label is empty"
    assert "123.50</dd>" not in shown.text, "the title says it"
    person.language = "de"
    assert "<dt>Erlaubt</dt>" in (await person.authorize(**said(ACCOUNT))).text


async def test_no_member_passes_for_one_within_another(bank: World) -> None:
    """What a client calls ``amount.value`` is not in the title, which says the amount alone, but shown below it."""
    person = Person(bank)
    forged = {"type": "payment", "amount.value": "0.01"} | PAYMENT | {"creditorAccount.iban": "DE00"}
    shown = (await person.log_in(await person.authorize(**said(forged)))).text
    assert "<strong>Pay 123.50 EUR to Merchant &lt;b&gt;</strong>" in shown
    assert "<dt>Amount.value</dt><dd>0.01</dd>" in shown
    assert "<dt>Account</dt><dd>DE02100100109307118603</dd>" in shown
    assert "<dt>Creditor account.iban</dt><dd>DE00</dd>" in shown


async def test_what_was_allowed_is_in_every_answer(bank: World) -> None:
    """RFC 9396 sections 7, 9.1 and 9.2."""
    await bank.openid_client(
        authorization_details_types=tuple(TYPES), audiences=(API, BANK), access_token_format=AccessTokenFormat.BOTH
    )
    tokens = await redeemed(bank, Person(bank), **said(*BOTH))
    claims = jwt.decode(tokens["access_token_jwt"], options={"verify_signature": False})
    own = await bank.introspect(tokens["access_token"])
    assert [one[NAME] for one in (tokens, claims, own)] == [BOTH] * 3
    assert NAME not in jwt.decode(tokens["id_token"], options={"verify_signature": False})


async def test_each_resource_server_sees_its_part(bank: World) -> None:
    """RFC 9396 section 9: of several resource servers each learns what concerns it."""
    await bank.client("api", introspect=True, resources=(API,), grant_types=())
    await bank.client("bank", introspect=True, resources=(BANK,), grant_types=())
    await bank.client("both", introspect=True, resources=(API, BANK), grant_types=())
    tokens = await redeemed(bank, Person(bank), **said(*BOTH))
    for caller, part in (("api", [ACCOUNT]), ("bank", [PAYMENT]), ("both", BOTH)):
        assert (await bank.introspect(tokens["access_token"], caller))[NAME] == part
    narrowed = await (await bank.refresh(tokens["refresh_token"], resource=API)).json()
    assert narrowed[NAME] == [ACCOUNT], "a token for one resource server"
    assert (await bank.introspect(narrowed["access_token"]))[NAME] == [ACCOUNT]
    whole = await (await bank.refresh(narrowed["refresh_token"])).json()
    assert whole[NAME] == BOTH, "the grant keeps the whole"
    await bank.client("third", audiences=(API, BANK, "https://third.example"), authorization_details_types=tuple(TYPES))
    none = {"grant_type": "client_credentials", "resource": "https://third.example", **said(*BOTH)}
    empty = await (await bank.token("third", **none)).json()
    assert NAME not in empty
    assert NAME not in await bank.introspect(empty["access_token"], "third")


async def test_an_access_token_of_the_front_channel_says_what_it_is_for(bank: World) -> None:
    """RFC 9396 section 7: beside every access token, here as JSON text; a code alone says nothing yet."""
    types = (ResponseType.CODE, ResponseType.CODE_TOKEN)
    await bank.openid_client(authorization_details_types=tuple(TYPES), response_types=types, audiences=(API,))
    person = Person(bank)
    shown = await person.sign_in(response_type="code token", **said(*BOTH))
    assert json.loads(shown.answer[NAME]) == [ACCOUNT], "the other is for another API"
    shown = await person.authorize(**said(*BOTH))
    assert NAME not in (await person.submit(shown, decision="allow")).answer


async def test_each_time_it_is_asked_for_anew(bank: World) -> None:
    """What was allowed once covers neither other details nor the same again; prompt=none is refused."""
    person = Person(bank)
    await redeemed(bank, person, **said(PAYMENT))
    assert (await person.authorize()).answer["code"], "without details nothing is asked"
    for details in (PAYMENT, ACCOUNT):
        assert (await person.authorize(**said(details))).action.endswith("/consent")
    assert (await person.authorize(prompt="none", **said(PAYMENT))).error == "consent_required"


async def test_a_person_sees_later_what_they_allowed(bank: World) -> None:
    person = Person(bank)
    await redeemed(bank, person, **said(PAYMENT))
    await redeemed(bank, person, **said(PAYMENT | {"creditorName": "Bob \u202e"}, ACCOUNT))
    shown = await person.get("/applications")
    for line in ("Pay 123.50 EUR to Merchant &lt;b&gt;", "Pay 123.50 EUR to Bob \\u202e", "account"):
        assert f"<li><bdi>{line}</bdi></li>" in shown.text


async def test_a_refresh_narrows_and_never_widens(bank: World) -> None:
    """RFC 9396 section 6."""
    refresh = (await redeemed(bank, Person(bank), **said(*BOTH)))["refresh_token"]
    less = ACCOUNT | {"actions": ["read"]}
    narrowed = await (await bank.refresh(refresh, **said(less))).json()
    assert narrowed[NAME] == [less]
    assert (await bank.introspect(narrowed["access_token"]))[NAME] == [less]
    refresh = narrowed["refresh_token"]
    for more in (ACCOUNT | {"actions": ["read", "write"]}, PAYMENT | {"creditorName": "Eve"}, {"type": "account"}):
        refused = await bank.refresh(refresh, **said(more))
        assert await error_of(refused) == (400, "invalid_authorization_details")
    assert (await (await bank.refresh(refresh)).json())[NAME] == BOTH, "the refresh token is as good as before"


async def test_a_code_narrows_and_never_widens(bank: World) -> None:
    person = Person(bank)
    code = (await person.sign_in(**said(ACCOUNT))).answer["code"]
    refused = await bank.redeem(code, code_verifier=VERIFIER, **said(PAYMENT))
    assert await error_of(refused) == (400, "invalid_authorization_details")
    less = ACCOUNT | {"actions": ["list"]}
    tokens = await (await bank.redeem(code, code_verifier=VERIFIER, **said(less))).json()
    assert tokens[NAME] == [less]
    code = (await person.sign_in()).answer["code"]
    refused = await bank.redeem(code, code_verifier=VERIFIER, **said(ACCOUNT))
    assert await error_of(refused) == (400, "invalid_authorization_details"), "where there were none, there are none"


async def test_a_client_gets_its_own_without_a_person(bank: World) -> None:
    tokens = await (await bank.token(grant_type="client_credentials", **said(ACCOUNT))).json()
    assert (tokens[NAME], (await bank.introspect(tokens["access_token"]))[NAME]) == ([ACCOUNT], [ACCOUNT])


async def test_who_loses_a_type_while_a_person_reads_gets_nothing(bank: World) -> None:
    client = await bank.issuer.store.clients.get("app")
    person = Person(bank)
    asked = await person.log_in(await person.authorize(**said(PAYMENT)))
    assert client
    await bank.change(client, authorization_details_types=("account",))
    assert (await person.submit(asked, decision="allow")).status == 400


async def test_a_request_object_may_hold_them_as_json(bank: World) -> None:
    """RFC 9101: an array stays one."""
    await bank.openid_client(authorization_details_types=("account",), jwks=JWKS)
    person, signed = Person(bank), Signer().sign
    shown = await person.log_in(await person.authorize(request=signed(authorization_details=[ACCOUNT])))
    assert "<strong>account</strong>" in shown.text
    assert (await person.authorize(request=signed(authorization_details={}))).error == "invalid_authorization_details"


@pytest.mark.parametrize(
    ("types", "fault"),
    [
        ({"x": {"json_schema": {"type": "nothing"}}}, "authorization_details_types.x.json_schema: is no JSON Schema"),
        ({"x": {"json_schema": {"pattern": "("}}}, "is no JSON Schema"),
        ({"x": {"json_schema": {"$ref": "https://evil.example/schema"}}}, "may refer to parts of itself only"),
        ({"x": {"json_schema": {"allOf": [{"$ref": "file:///etc/passwd"}]}}}, "may refer to parts of itself only"),
        ({"x": {"json_schema": {"$ref": "#/$defs/nothing"}}}, "which is no schema in it"),
        ({"x": {"json_schema": {"$ref": "#"}}}, "refers to itself without end"),
        ({"x": {"hook": "nobody"}}, "there is no hook 'nobody' with the event authorization_details"),
        ({"x": {"word": "x"}}, "authorization_details_types.x.word: "),
        ({"": {}}, "a type is 1 to 255 printable characters"),
    ],
)
def test_a_type_that_cannot_be_is_refused_at_the_start(redis: Shape, types: dict[str, Any], fault: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_for(redis.url, authorization_details_types=types)
    assert fault in str(refused.value)
