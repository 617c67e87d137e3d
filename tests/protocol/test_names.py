"""Registered words: what none of ours may be mistaken for, and what follows from some of them."""

import pytest

from service.protocol import names
from service.protocol.claims import OURS
from service.protocol.names import HmacAlgorithm, HookEvent, ResponseType


def test_an_hmac_key_is_as_long_as_its_hash() -> None:
    """RFC 7518 section 3.2, in bytes."""
    assert [one.bytes for one in HmacAlgorithm] == [32, 48, 64]


@pytest.mark.parametrize(
    ("response_type", "parts"),
    [("code", {"code"}), ("none", set()), ("code id_token token", {"code", "id_token", "token"})],
)
def test_what_a_response_type_is_made_of(response_type: str, parts: set[str]) -> None:
    assert ResponseType(response_type).parts == parts


def test_hooks_are_asked_before_something_happens_and_told_of_what_has() -> None:
    assert {event.value for event in HookEvent if event.asks} == {
        "claims",
        "refresh",
        "exchange",
        "login",
        "authorization_details",
    }


@pytest.mark.parametrize(
    ("reserved", "registered"),
    [
        pytest.param(
            names.TOKEN_RESPONSE_MEMBERS,
            "access_token token_type expires_in refresh_token scope id_token state error error_description error_uri "
            "code iss issued_token_type authorization_details access_token_jwt",
            id="token responses: RFC 6749 5, RFC 8693 2.2.1, RFC 9396 7, AU-23",
        ),
        pytest.param(
            names.INTROSPECTION_MEMBERS,
            "active scope client_id username token_type exp iat nbf sub aud iss jti cnf act may_act auth_time acr amr "
            "authorization_details client_generation source_clients",
            id="introspection: RFC 7662 2.2, RFC 8693 4, RFC 9470 6.2, RFC 9396 9.2",
        ),
        pytest.param(
            OURS,
            "iss sub aud exp nbf iat jti azp nonce auth_time acr amr sid client_id at_hash c_hash s_hash cnf act may_act "
            "scope events",
            id="tokens: RFC 7519 4.1, OpenID Connect Core 2 and 3.3.2.11, RFC 8693 4, RFC 8417",
        ),
    ],
)
def test_what_is_reserved(reserved: frozenset[str], registered: str) -> None:
    """Left out of the set, an operator's property or a user's claim could say it in our place."""
    assert reserved == set(registered.split())
