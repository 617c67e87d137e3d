"""Whom a CIBA request means, and who may ask them: hints, and user codes that are not guessed."""

import asyncio
import time
from typing import Any

import pytest

from service.admin import trusts, users
from service.crypto.random_blocks import RandomText
from service.protocol.credentials import new_grant_id
from service.protocol.names import GrantTypeName
from service.records.grant import Grant
from service.tokens.id_tokens import mint_id_token
from tests.assertions import JWKS, TYPES, Signer
from tests.backchannel import approvals, ask, asked, backchannel_client, references
from tests.moments import FromNow, settled
from tests.person import Person
from tests.world import World, error_of

ISSUER = "http://127.0.0.1:8080"


@pytest.fixture
async def person(world: World) -> Person:
    await backchannel_client(world)
    await world.openid_client()
    await world.user()
    return Person(world)


async def test_an_id_token_names_its_user(person: Person) -> None:
    """Also one that has expired; none of another client, another issuer, or of a user who is gone."""
    world = person.world
    client = await backchannel_client(world, grant_types=("authorization_code", GrantTypeName.CIBA.value))
    tokens = await world.tokens(client, scope="openid")
    hint = tokens["id_token"]
    assert (await ask(world, login_hint="", id_token_hint=hint)).status == 200
    async with world.with_part(clock=lambda: time.time() - 90_000) as earlier:
        grant = Grant("bank", "alice", scope="openid")
        expired = await mint_id_token(earlier.issuer, client, grant, new_grant_id(RandomText()))
    assert (await ask(world, login_hint="", id_token_hint=expired)).status == 200
    await backchannel_client(world, "other")
    assert await error_of(await ask(world, "other", login_hint="", id_token_hint=hint)) == (400, "invalid_request")
    foreign = Signer(subject="alice").sign(aud="bank", iss="https://elsewhere.example")
    assert await error_of(await ask(world, login_hint="", id_token_hint=foreign)) == (400, "invalid_request")
    await world.set_enabled("alice", enabled=False)
    assert await error_of(await ask(world, login_hint="", id_token_hint=hint)) == (400, "unknown_user_id")
    assert await error_of(await ask(world)) == (400, "unknown_user_id")


async def test_a_pairwise_id_token_names_its_user(person: Person) -> None:
    async with person.world.having(pairwise_salt="s" * 32) as world:
        changes: dict[str, Any] = {"subject_type": "pairwise", "sector_identifier": "bank.example"}
        changes |= {"redirect_uris": ("https://bank.example/cb",)}
        grant_types = ("authorization_code", GrantTypeName.CIBA.value)
        client = await backchannel_client(world, grant_types=grant_types, **changes)
        tokens = await world.tokens(client, scope="openid")
        await asked(world, login_hint="", id_token_hint=tokens["id_token"])
        assert len(references(await approvals(Person(world)))) == 1


async def test_a_pairwise_subject_of_which_nothing_is_left_is_no_username(person: Person) -> None:
    """A backend may have called a user of the client as another user is called here."""
    async with person.world.having(pairwise_salt="s" * 32) as world:
        client = await backchannel_client(world, subject_type="pairwise", sector_identifier="bank.example")
        gone = Grant("bank", "bob", scope="openid", sub="alice")
        hint = await mint_id_token(world.issuer, client, gone, new_grant_id(RandomText()))
        assert await error_of(await ask(world, login_hint="", id_token_hint=hint)) == (400, "unknown_user_id")


CI = "https://hints.example"


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({}, ""),
        ({"aud": [ISSUER, "https://other.example"]}, ""),
        ({"exp": FromNow(-60)}, "expired_login_hint_token"),
        ({"sub": "nobody"}, "unknown_user_id"),
        ({"aud": "https://other.example"}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"exp": None}, "invalid_request"),
        ({"exp": True}, "invalid_request"),
        ({"iss": "https://stranger.example"}, "invalid_request"),
        ({"sub": None}, "invalid_request"),
        ({"nbf": FromNow(600)}, "invalid_request"),
    ],
)
async def test_a_token_of_an_issuer_that_is_trusted_for_hints(
    person: Person, claims: dict[str, Any], error: str
) -> None:
    world = person.world
    given = {"issuer": CI, "jwks": JWKS, "uses": ["login-hint"]}
    await trusts.add_trust(world.issuer, trusts.TrustInput.read(given))
    hint = Signer(subject="alice").sign(**({"iss": CI, "sub": "alice"} | settled(claims)))
    response = await ask(world, login_hint="", login_hint_token=hint)
    assert (await response.json()).get("error", "") == error
    if not error:
        assert (await ask(world, login_hint="", login_hint_token=hint)).status == 200, "for as long as it lasts"
        assert await error_of(await ask(world, login_hint="", login_hint_token=hint[:-4] + "AAAA")) == (
            400,
            "invalid_request",
        )


@pytest.mark.parametrize("typ", TYPES)
async def test_what_was_signed_for_another_purpose_is_no_hint(person: Person, typ: str) -> None:
    given = {"issuer": CI, "jwks": JWKS, "uses": ["login-hint"]}
    await trusts.add_trust(person.world.issuer, trusts.TrustInput.read(given))
    hint = Signer(subject="alice").sign({"typ": typ}, iss=CI)
    response = await ask(person.world, login_hint="", login_hint_token=hint)
    assert "another purpose" in (await response.json())["error_description"]


async def test_an_issuer_that_is_trusted_for_grants_gives_no_hints(person: Person) -> None:
    await trusts.add_trust(person.world.issuer, trusts.TrustInput.read({"issuer": CI, "jwks": JWKS}))
    hint = Signer(subject="alice").sign(iss=CI)
    assert await error_of(await ask(person.world, login_hint="", login_hint_token=hint)) == (400, "invalid_request")


# user codes


async def test_a_user_with_a_code_is_asked_by_who_knows_it(person: Person) -> None:
    world = person.world
    await users.set_user_code(world.issuer, "alice", "4711-x")
    assert await error_of(await ask(world)) == (400, "missing_user_code")
    assert await error_of(await ask(world, user_code="4711-y")) == (400, "invalid_user_code")
    assert (await ask(world, user_code="4711-x")).status == 200
    assert references(await approvals(person)) != []
    await users.set_user_code(world.issuer, "alice")
    assert (await ask(world)).status == 200
    assert (await ask(world, user_code="whatever")).status == 200, "there is none that it could be"


async def test_user_codes_are_not_guessed(person: Person) -> None:
    """Of many at once so many are looked at; the right one does not come through among them, and others are not hit."""
    async with person.world.having(user_failures_allowed=3) as world:
        await backchannel_client(world, "other")
        await users.set_user_code(world.issuer, "alice", "4711-x")
        guesses = [f"guess-{number}" for number in range(30)]
        responses = await asyncio.gather(*(ask(world, user_code=guess) for guess in guesses))
        told = [(one.status, (await one.json())["error"]) for one in responses]
        assert told.count((400, "invalid_user_code")) == 3
        assert told.count((429, "invalid_user_code")) == 27
        late = await ask(world, user_code="4711-x")
        assert (late.status, int(late.headers["Retry-After"]) > 0) == (429, True)
        assert (await ask(world, "other", user_code="4711-x")).status == 200


async def test_the_right_user_code_is_taken_once_the_delay_is_over(person: Person) -> None:
    """Whatever came meanwhile: tries that are refused unseen do not make the delay longer."""
    async with person.world.having(user_failures_allowed=2) as world:
        await users.set_user_code(world.issuer, "alice", "4711-x")
        for number in range(3):
            last = await ask(world, user_code=f"guess-{number}")
        delay = int(last.headers["Retry-After"])
        for number in range(10):
            refused = await ask(world, user_code=f"more-{number}")
            assert (refused.status, int(refused.headers["Retry-After"]) <= delay) == (429, True)
        world.expire(":blocked")
        assert (await ask(world, user_code="4711-x")).status == 200
        assert await error_of(await ask(world, user_code="4711-y")) == (400, "invalid_user_code"), "it begins anew"
        assert (await ask(world, user_code="4711-x")).status == 200
