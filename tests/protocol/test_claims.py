"""Which claims are told: by scopes, by the claims parameter."""

from service.protocol import claims
from service.protocol.claims import ClaimRequest

CUSTOM = {"roles": ("roles", "groups")}


def test_each_scope_means_its_claims() -> None:
    """OpenID Connect Core 5.4."""
    assert claims.told_by_scopes(["openid"], {}) == set()
    assert len(claims.told_by_scopes(["profile"], {})) == 14
    assert claims.told_by_scopes(["email", "phone"], {}) == {
        *("email", "email_verified", "phone_number", "phone_number_verified")
    }
    assert claims.told_by_scopes(["roles"], CUSTOM) == {"roles", "groups"}


def test_single_claims_belong_to_the_scopes_that_mean_them() -> None:
    assert claims.scopes_telling({"name", "groups"}, CUSTOM) == {"profile", "roles"}
    assert claims.scopes_telling({"shoe_size"}, CUSTOM) == set()


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
