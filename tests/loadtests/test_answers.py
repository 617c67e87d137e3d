"""What locust's users take for a wrong answer."""

from typing import Any

import pytest

from loadtests import answers

ACCESS, REFRESH, OTHER = "mm_at_" + "a" * 65, "mm_rt_" + "r" * 65, "mm_rt_" + "s" * 65
TOKENS = {"access_token": ACCESS, "token_type": "Bearer", "expires_in": 3600, "scope": "read"}
ACTIVE = {"active": True, "client_id": "demo", "sub": "alice", "exp": 2_000_000_000}


def test_right_answers_are_right() -> None:
    assert answers.wrong_tokens(TOKENS, "read", refresh=False) == ""
    assert answers.wrong_tokens(TOKENS | {"refresh_token": REFRESH}, "read", refresh=True) == ""
    assert answers.wrong_rotation(TOKENS | {"refresh_token": REFRESH}, "read", OTHER) == ""
    assert answers.wrong_active(ACTIVE, "demo", "alice") == ""
    assert answers.wrong_active(ACTIVE | {"sub": "demo"}, "demo") == "", "a client's own token"
    assert answers.wrong_inactive({"active": False}) == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"access_token": None},
        {"access_token": ACCESS + "x"},
        {"access_token": REFRESH},
        {"token_type": "bearer"},
        {"expires_in": "3600"},
        {"expires_in": 0},
        {"scope": "read write"},
        {"refresh_token": REFRESH},
    ],
)
def test_wrong_tokens(changed: dict[str, Any]) -> None:
    assert answers.wrong_tokens(TOKENS | changed, "read", refresh=False)


def test_a_missing_refresh_token_is_wrong() -> None:
    assert answers.wrong_tokens(TOKENS, "read", refresh=True) == "no refresh token of ours"


def test_a_refresh_token_that_stays_is_wrong() -> None:
    assert answers.wrong_rotation(TOKENS | {"refresh_token": REFRESH}, "read", REFRESH)


@pytest.mark.parametrize(
    "changed", [{"active": False}, {"active": "true"}, {"client_id": "x"}, {"sub": "bob"}, {"exp": None}]
)
def test_wrong_introspection(changed: dict[str, Any]) -> None:
    assert answers.wrong_active(ACTIVE | changed, "demo", "alice")


def test_a_subject_where_none_is_due() -> None:
    assert answers.wrong_active(ACTIVE, "demo")


@pytest.mark.parametrize("body", [{"active": True}, {"active": False, "sub": "alice"}, {}])
def test_more_than_inactive(body: dict[str, Any]) -> None:
    assert answers.wrong_inactive(body)
