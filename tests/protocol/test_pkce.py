"""Proof Key for Code Exchange (RFC 7636): the challenge at the authorization request, the verifier at the token request."""

import pytest

from service.protocol.errors import InvalidGrant, InvalidRequest
from service.protocol.pkce import check_challenge, check_verifier, s256

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_example_of_rfc_7636_appendix_b() -> None:
    assert s256(VERIFIER) == CHALLENGE


# the challenge: (challenge, method, plain allowed, required) → method


@pytest.mark.parametrize(
    ("challenge", "method", "plain_allowed", "required", "expected"),
    [
        pytest.param(CHALLENGE, "S256", False, True, "S256", id="S256 is always welcome"),
        pytest.param(CHALLENGE, "S256", True, False, "S256", id="S256 though plain is allowed"),
        pytest.param(VERIFIER, "plain", True, True, "plain", id="plain where the client may"),
        pytest.param(VERIFIER, None, True, True, "plain", id="no method means plain"),
        pytest.param("~" * 128, "plain", True, True, "plain", id="plain, 128 characters"),
        pytest.param(None, None, False, False, None, id="none where none is required"),
    ],
)
def test_a_challenge_is_accepted(
    challenge: str | None, method: str | None, plain_allowed: bool, required: bool, expected: str | None
) -> None:
    assert check_challenge(challenge, method, plain_allowed=plain_allowed, required=required) == expected


@pytest.mark.parametrize(
    ("challenge", "method", "plain_allowed", "required", "told"),
    [
        pytest.param(None, None, True, True, "required", id="required of public clients, and of all by a setting"),
        pytest.param(VERIFIER, "plain", False, False, "must be S256", id="plain where the client may not"),
        pytest.param(VERIFIER, None, False, False, "must be S256", id="plain by saying nothing"),
        pytest.param(None, "S256", False, False, "without code_challenge", id="a method without a challenge"),
        pytest.param(CHALLENGE, "s256", True, False, "not supported", id="S256 in another case"),
        pytest.param(CHALLENGE, "S512", True, False, "not supported", id="an unknown method"),
        pytest.param("a" * 42, "plain", True, False, "43 to 128 unreserved characters", id="too short"),
        pytest.param("a" * 129, "plain", True, False, "43 to 128 unreserved characters", id="too long"),
        pytest.param("a" * 44, "S256", True, False, "43 characters of base64url that S256", id="no SHA-256"),
        pytest.param(
            CHALLENGE[:-1] + "=", "S256", True, False, "43 characters of base64url that S256", id="base64 padding"
        ),
        pytest.param(CHALLENGE[:-1] + "é", "S256", True, False, "43 characters of base64url that S256", id="not ASCII"),
        pytest.param(CHALLENGE + "\n", "plain", True, False, "43 to 128 unreserved characters", id="a line end"),
    ],
)
def test_a_challenge_is_refused(
    challenge: str | None, method: str | None, plain_allowed: bool, required: bool, told: str
) -> None:
    with pytest.raises(InvalidRequest, match=told):
        check_challenge(challenge, method, plain_allowed=plain_allowed, required=required)


# the verifier


@pytest.mark.parametrize(
    ("verifier", "challenge", "method"),
    [
        pytest.param(VERIFIER, CHALLENGE, "S256", id="S256"),
        pytest.param(VERIFIER, VERIFIER, "plain", id="plain"),
        pytest.param(None, None, None, id="no PKCE at all"),
    ],
)
def test_a_verifier_fits(verifier: str | None, challenge: str | None, method: str | None) -> None:
    check_verifier(verifier, challenge, method)


@pytest.mark.parametrize(
    ("verifier", "challenge", "method", "told"),
    [
        pytest.param(None, CHALLENGE, "S256", "missing", id="missing"),
        pytest.param("x" * 43, CHALLENGE, "S256", "does not match", id="wrong"),
        pytest.param(CHALLENGE, CHALLENGE, "S256", "does not match", id="the challenge itself"),
        pytest.param("x" * 43, VERIFIER, "plain", "does not match", id="plain, wrong"),
        pytest.param(VERIFIER.swapcase(), VERIFIER, "plain", "does not match", id="plain, another case"),
        pytest.param(VERIFIER[:42], CHALLENGE, "S256", "malformed", id="too short"),
        pytest.param("x" * 129, CHALLENGE, "S256", "malformed", id="too long"),
        pytest.param("é" * 43, CHALLENGE, "S256", "malformed", id="not ASCII"),
        pytest.param(VERIFIER, None, None, "had no code_challenge", id="a verifier without a challenge"),
    ],
)
def test_a_verifier_does_not_fit(verifier: str | None, challenge: str | None, method: str | None, told: str) -> None:
    with pytest.raises(InvalidGrant, match=told):
        check_verifier(verifier, challenge, method)
