"""How much an authorization request may hold, to the character; and what becomes of wishes beyond it."""

from typing import Any

import pytest

from service.protocol.authorization_request import (
    MAX_REQUEST,
    AuthorizationRequest,
    Draft,
    check_size,
    verify_destination,
)
from service.protocol.errors import InvalidRequest
from service.protocol.names import ResponseMode
from service.protocol.response_destination import Verified
from tests.protocol.test_authorization_request import CHALLENGE, PLAIN, RULES, URI, checked

MOST = {
    "state": 4000,
    "nonce": 4000,
    "scope": 4000,
    "id_token_hint": 16_000,
    "login_hint": 1000,
    "acr_values": 1000,
    "ui_locales": 1000,
    "claims_locales": 1000,
    "display": 1000,
    "prompt": 1000,
    "claims": 8192,
}
"""Characters."""
FILLED = {"scope": "openid ", "prompt": "login ", "claims": "{}"}
"""What a parameter begins with that is more than a text; blanks fill it up."""


def with_one(name: str, value: str) -> AuthorizationRequest:
    parameter: dict[str, Any] = {name: value}
    return checked(**parameter)


@pytest.mark.parametrize(("name", "most"), MOST.items(), ids=MOST)
def test_a_parameter_has_as_many_characters_as_it_may_and_no_more(name: str, most: int) -> None:
    begin, fill = (FILLED[name], " ") if name in FILLED else ("", "x")
    with_one(name, begin.ljust(most, fill))
    with pytest.raises(InvalidRequest, match=f"{name} has more than {most} characters"):
        with_one(name, begin.ljust(most + 1, fill))


def test_the_whole_request_has_a_bound_over_names_values_and_resources() -> None:
    def draft(more: int) -> Draft:
        return Draft({"ab": "c" * 100, "d": "e" * (MAX_REQUEST - 603 + more)}, ("r" * 200, "s" * 300), RULES)

    check_size(draft(0))
    with pytest.raises(InvalidRequest, match="more than 16384 characters"):
        check_size(draft(1))


def test_a_state_that_is_longer_than_any_request_does_not_come_back() -> None:
    fits, too_long = "s" * MAX_REQUEST, "s" * (MAX_REQUEST + 1)
    assert verify_destination(PLAIN | {"state": fits}, RULES).state == fits
    assert verify_destination(PLAIN | {"state": too_long}, RULES).state is None


@pytest.mark.parametrize(
    ("wish", "told", "taken"),
    [
        ("ui_locales", "de " * 11, ("de",) * 10),
        ("ui_locales", "a abcdefgh abcdefghi", ("abcdefgh",)),
        ("ui_locales", "de-A de-12345678 de-123456789 de- -de de--AT", ("de-A", "de-12345678")),
        ("ui_locales", "zh-Hant-TW de_AT <b>de</b>", ("zh-Hant-TW",)),
        ("display", "page", "page"),
        ("display", "popup", "popup"),
        ("display", "touch", "touch"),
        ("display", "wap", "wap"),
        ("display", "Touch", "page"),
        ("max_age", "9999999999", 9_999_999_999),
        ("prompt", "select_account", ("select_account",)),
        ("prompt", "none none", ("none",)),
        ("prompt", "login select_account consent", ("login", "select_account", "consent")),
    ],
)
def test_what_is_taken_of_a_wish(wish: str, told: str, taken: object) -> None:
    assert getattr(with_one(wish, told), wish) == taken


@pytest.mark.parametrize("max_age", ["99999999999", "1.5", " 1", "+1", "1e3", "²"])
def test_an_age_is_ten_digits_at_most(max_age: str) -> None:
    with pytest.raises(InvalidRequest, match="max_age"):
        checked(max_age=max_age)


@pytest.mark.parametrize(
    ("acr", "acrs", "is_met"),
    [
        ('{"essential": true, "value": "1"}', ("1",), True),
        ('{"essential": true, "values": ["9", "2"]}', ("1", "2"), True),
        ('{"essential": true}', ("1",), True),
        ('{"essential": true, "value": "9"}', ("1", "2"), False),
        ('{"essential": true, "value": "9"}', (), False),
        ('{"essential": true, "value": "9"}', None, True),  # who signs users in knows what it can do
        ('{"value": "9"}', ("1",), True),  # a wish
        ("null", ("1",), True),
    ],
)
def test_an_essential_acr_is_one_that_there_is_here(acr: str, acrs: tuple[str, ...] | None, is_met: bool) -> None:
    def request() -> object:
        return checked(RULES._replace(acrs=acrs), claims=f'{{"id_token": {{"acr": {acr}}}}}')

    if is_met:
        assert request()
    else:
        with pytest.raises(Exception, match="No authentication here"):
            request()


def test_a_challenge_belongs_to_a_code_alone() -> None:
    kept = checked(code_challenge=CHALLENGE, code_challenge_method="S256")
    assert (kept.code_challenge, kept.code_challenge_method) == (CHALLENGE, "S256")
    none = checked(response_type="id_token", code_challenge="short", code_challenge_method="S512")
    assert (none.code_challenge, none.code_challenge_method) == (None, None)


@pytest.mark.parametrize(
    ("given", "scope", "openid", "is_missing"),
    [
        (None, "openid", True, True),
        (None, "profile openid", True, True),
        (None, "profile", True, False),
        (None, "openid", False, False),
        (URI, "openid", True, False),
    ],
)
def test_openid_connect_wants_the_redirect_uri_named(
    given: str | None, scope: str, openid: bool, is_missing: bool
) -> None:
    parameters = {"scope": scope} | ({"redirect_uri": given} if given else {})
    rules = RULES._replace(openid=openid)
    if is_missing:
        with pytest.raises(InvalidRequest, match="redirect_uri is required with the scope openid"):
            verify_destination(parameters, rules)
    else:
        verified = verify_destination(parameters, rules)
        assert verified == Verified(URI, given is not None, ResponseMode.QUERY, None)
