"""How an answer travels back to the client."""

import pytest

from service.protocol.authorization_response import error_fields, redirected, response_parameters
from service.protocol.browsing import FormPost, Redirect
from service.protocol.errors import AccessDenied, InvalidGrant, LoginRequired
from service.protocol.names import ResponseMode
from service.protocol.response_destination import Verified

ISSUER = "https://id.example"
URI = "https://app.example/cb"
ISS = "iss=https%3A%2F%2Fid.example"


@pytest.mark.parametrize(
    ("uri", "mode", "state", "goes"),
    [
        (URI, ResponseMode.QUERY, "s t&", f"{URI}?code=a%20b&state=s%20t%26&{ISS}"),
        (URI, ResponseMode.QUERY, None, f"{URI}?code=a%20b&{ISS}"),
        (URI, ResponseMode.QUERY, "", f"{URI}?code=a%20b&state=&{ISS}"),
        (URI + "?x=1", ResponseMode.QUERY, None, f"{URI}?x=1&code=a%20b&{ISS}"),
        (URI + "?x=1", ResponseMode.FRAGMENT, "s", f"{URI}?x=1#code=a%20b&state=s&{ISS}"),
    ],
)
def test_an_answer_in_the_url(uri: str, mode: ResponseMode, state: str | None, goes: str) -> None:
    """RFC 6749 4.1.2, 4.2.2; RFC 9207 section 2."""
    verified = Verified(uri, True, mode, state)
    assert redirected(verified, response_parameters(ISSUER, verified, {"code": "a b"})) == Redirect(goes)


def test_an_answer_in_a_form() -> None:
    """OAuth 2.0 Form Post Response Mode."""
    told = {"code": "a b"}
    verified = Verified(URI, True, ResponseMode.FORM_POST, "s")
    sent = redirected(verified, response_parameters(ISSUER, verified, told))
    assert sent == FormPost(URI, {"code": "a b", "state": "s", "iss": ISSUER})
    assert told == {"code": "a b"}


def test_an_error_tells_nothing_that_is_for_operators() -> None:
    assert error_fields(LoginRequired()) == {"error": "login_required"}
    assert error_fields(AccessDenied("No.", log="why")) == {"error": "access_denied", "error_description": "No."}
    assert error_fields(InvalidGrant(log="why")) == {
        "error": "invalid_grant",
        "error_description": InvalidGrant.description,
    }
