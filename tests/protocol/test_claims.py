"""Which claims are told: by scopes, by the claims parameter."""

import json

import pytest

from service.protocol import claims
from service.protocol.claims import ClaimRequest
from service.protocol.errors import InvalidRequest

CUSTOM = {"roles": ("roles", "groups")}


def test_each_scope_means_its_claims() -> None:
    """OpenID Connect Core 5.4."""
    assert claims.claims_of_scopes(["openid"], {}) == set()
    assert len(claims.claims_of_scopes(["profile"], {})) == 14
    assert claims.claims_of_scopes(["email", "phone"], {}) == {
        *("email", "email_verified", "phone_number", "phone_number_verified")
    }
    assert claims.claims_of_scopes(["roles"], CUSTOM) == {"roles", "groups"}


def test_single_claims_belong_to_the_scopes_that_mean_them() -> None:
    assert claims.scopes_for_claims({"name", "groups"}, CUSTOM) == {"profile", "groups", "roles"}
    assert claims.scopes_for_claims({"shoe_size"}, CUSTOM) == set()


def test_the_claims_parameter() -> None:
    """OpenID Connect Core 5.5."""
    asked = claims.parse(
        '{"userinfo": {"name": {"essential": true}, "email": null}, '
        '"id_token": {"acr": {"values": ["1", "2"]}, "sub": {"value": "alice"}}, "later": 1}'
    )
    assert asked.userinfo == {"name": ClaimRequest(essential=True), "email": ClaimRequest()}
    assert asked.id_token["acr"].values == ("1", "2")
    assert asked.id_token["sub"].accepts("alice")
    assert not asked.id_token["sub"].accepts("bob")
    assert asked.names == {"name", "email", "acr", "sub"}
    assert claims.parse(None).names == frozenset()


def test_only_what_has_a_value_is_told_and_nothing_of_our_own() -> None:
    """OpenID Connect Core 5.3.2: no null, no empty values."""
    person = {"name": "Alice", "name#ja": "アリス", "nickname": "", "email": None, "sub": "evil", "updated_at": 0}
    told = claims.present(person, {"name", "nickname", "email", "sub", "updated_at"})
    assert told == {"name": "Alice", "name#ja": "アリス", "updated_at": 0}


def test_a_value_that_is_not_wanted_is_left_out() -> None:
    wanted = {"name": ClaimRequest(values=("Bob",)), "email": ClaimRequest(), "phone": ClaimRequest()}
    assert claims.acceptable({"name": "Alice", "email": "a@example.org"}, wanted) == ("email",)


def nested(levels: int) -> str:
    return '{"x": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


@pytest.mark.parametrize(
    "text",
    [
        "{}".ljust(claims.MAX_CLAIMS_PARAMETER),
        json.dumps({"userinfo": {f"c{number}": None for number in range(100)}}),
        nested(10),
        '{"userinfo": null, "id_token": null}',
        '{"userinfo": {"a": {"essential": false, "values": [], "value": null, "later": 1}}}',
    ],
)
def test_as_much_as_may_be_asked(text: str) -> None:
    claims.parse(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}".ljust(claims.MAX_CLAIMS_PARAMETER + 1), "more than 8192 characters"),
        (json.dumps({"id_token": {f"c{number}": None for number in range(101)}}), "at most 100 members"),
        (nested(11), "more than 10 deep"),
        ("[]", "not a JSON object"),
        ('"\ud800"', "not a JSON object"),
        ('{"userinfo": []}', "claims.userinfo is not an object"),
        ('{"id_token": 1}', "claims.id_token is not an object"),
        ('{"userinfo": {"a": 1}}', "neither null nor an object"),
        ('{"userinfo": {"a": {"essential": 1}}}', "essential must be a boolean"),
        ('{"userinfo": {"a": {"values": "b"}}}', "values an array"),
    ],
)
def test_what_cannot_be_asked(text: str, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        claims.parse(text)


@pytest.mark.parametrize(
    ("text", "subject", "is_meant"),
    [
        ("{}", "alice", True),
        ('{"id_token": {"sub": null}}', "alice", True),
        ('{"id_token": {"sub": {"value": "alice"}}}', "alice", True),
        ('{"id_token": {"sub": {"value": "alice"}}}', "bob", False),
        ('{"userinfo": {"sub": {"values": ["alice"]}}}', "bob", False),
        ('{"userinfo": {"sub": {"value": "alice"}}, "id_token": {"sub": {"value": "bob"}}}', "alice", False),
        ('{"id_token": {"sub": {"value": 1}}}', "1", False),
    ],
)
def test_whom_an_answer_may_be_about(text: str, subject: str, is_meant: bool) -> None:
    """OpenID Connect Core 5.5.1."""
    assert claims.parse(text).accept_subject(subject) is is_meant


def test_no_value_is_told_that_says_nothing() -> None:
    person: dict[str, object] = {"roles": [], "address": {}, "nickname": "", "name": None, "age": 0, "admin": False}
    assert claims.present(person, set(person)) == {"age": 0, "admin": False}
