"""The registered errors, and the text that goes with them."""

import re
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.protocol.errors import (
    InsufficientScope,
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    InvalidToken,
    ProtocolError,
    ServerError,
    TemporarilyUnavailable,
    TokenRequired,
    TooManyRegistrations,
    UnauthorizedClient,
    UnsupportedGrantType,
    printable,
)

DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]{0,400}")
"""RFC 6749 section 5.2, and a length that no caller can stretch."""


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (InvalidRequest, "invalid_request", 400),
        (InvalidClient, "invalid_client", 401),
        (InvalidGrant, "invalid_grant", 400),
        (UnauthorizedClient, "unauthorized_client", 400),
        (UnsupportedGrantType, "unsupported_grant_type", 400),
        (InvalidScope, "invalid_scope", 400),
        (InvalidTarget, "invalid_target", 400),
        (ServerError, "server_error", 500),
        (TemporarilyUnavailable, "temporarily_unavailable", 503),
        (TooManyRegistrations, "temporarily_unavailable", 429),
        (InvalidToken, "invalid_token", 401),
        (TokenRequired, "invalid_token", 401),
        (partial(InsufficientScope, "openid"), "insufficient_scope", 403),
    ],
)
def test_every_error_has_its_registered_code_and_status(
    error: Callable[[], ProtocolError], code: str, status: int
) -> None:
    """IT-24, IT-25, IT-26, IT-27, AU-05, AU-06; RFC 6749 section 5.2, RFC 8707 section 2."""
    raised = error()
    assert (raised.error, raised.status) == (code, status)


def test_the_reason_for_operators_stays_out_of_the_description() -> None:
    error = InvalidGrant(log="code was issued to another client")
    assert error.log not in error.description
    assert error.description == InvalidGrant.description


def test_unavailable_says_when_to_try_again() -> None:
    assert TemporarilyUnavailable(retry_after=7).headers == {"Retry-After": "7"}
    assert TemporarilyUnavailable().headers == {"Retry-After": "1"}
    assert TooManyRegistrations().headers == {"Retry-After": "3600"}


@given(st.text())
def test_whatever_is_quoted_back_the_description_keeps_to_the_characters_allowed(text: str) -> None:
    assert DESCRIPTION.fullmatch(printable(text))
    assert DESCRIPTION.fullmatch(InvalidRequest(f"The parameter {text} is wrong.").description)


def test_printable_text_stays_as_it_is_and_quotes_stay_readable() -> None:
    assert printable("The scope a:b/c is unknown.") == "The scope a:b/c is unknown."
    assert printable('say "x"') == "say 'x'"
    assert printable("a\r\nb\\c\x7fé") == "a??b?c??"
    assert printable("x" * 1000) == "x" * 400
