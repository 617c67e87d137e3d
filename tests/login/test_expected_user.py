"""Whom a client names by claims or hint is whom the answer is about, in whatever way (OpenID Connect Core 3.1.2.1, 5.5.1)."""

import json

import pytest

from tests.person import Person
from tests.world import World

ALICE, BOB = {"sub": {"value": "alice"}}, {"sub": {"value": "bob"}}


@pytest.fixture
async def person(world: World) -> Person:
    """Alice is signed in, and has allowed the client."""
    await world.openid_client()
    await world.user()
    await world.user("bob", "builder-bob")
    person = Person(world)
    await person.sign_in()
    return person


@pytest.mark.parametrize(
    ("claims", "is_alice"),
    [
        ({"id_token": ALICE}, True),
        ({"userinfo": ALICE}, True),
        ({"id_token": {"sub": {"values": ["bob", "alice"]}}}, True),
        ({"id_token": {"sub": {"essential": True}}, "userinfo": {"sub": None}}, True),
        ({"id_token": BOB}, False),
        ({"userinfo": BOB}, False),
        ({"id_token": ALICE, "userinfo": BOB}, False),
        ({"id_token": {"sub": None}, "userinfo": BOB}, False),
        ({"id_token": {"sub": {"values": ["bob", "carol"]}}}, False),
        ({"id_token": {"sub": {"value": ""}}}, False),
        ({"id_token": {"sub": {"value": 5}}}, False),
        ({"id_token": {"sub": {"value": ["alice"]}}}, False),
        ({"id_token": {"sub": {"value": "Alice"}}}, False),
    ],
    ids=json.dumps,
)
async def test_claims_that_name_somebody(person: Person, claims: dict[str, object], is_alice: bool) -> None:
    """With a session, silently, and after alice's own password."""
    asked = {"claims": json.dumps(claims)}
    silent = await person.authorize(prompt="none", **asked)
    assert silent.error == ("" if is_alice else "login_required")
    proved = await person.log_in(await person.authorize(prompt="login", **asked))
    assert proved.error == ("" if is_alice else "login_required")
    assert ("code" in proved.answer) is is_alice


async def test_a_hint_and_a_claim_name_the_same_or_nobody(person: Person) -> None:
    hint = (await person.authorize(response_type="id_token")).answer["id_token"]
    for claims, error in (({"id_token": ALICE}, ""), ({"id_token": BOB}, "login_required")):
        answer = await person.authorize(prompt="none", id_token_hint=hint, claims=json.dumps(claims))
        assert answer.error == error
