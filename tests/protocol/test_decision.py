"""What an endpoint decided, as a value: the same for the HTTP front and for whoever renders it otherwise."""

import orjson
import pytest

from service.protocol.decision import Action, answer, refuse
from service.protocol.errors import (
    InsufficientScope,
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidToken,
    ProtocolError,
    ServerError,
    TemporarilyUnavailable,
    TokenRequired,
)


@pytest.mark.parametrize(
    ("error", "action", "status"),
    [
        pytest.param(InvalidRequest("Wrong."), Action.BAD_REQUEST, 400, id="AU-06 a bad request"),
        pytest.param(InvalidGrant(), Action.BAD_REQUEST, 400, id="AU-06 a bad grant"),
        pytest.param(InvalidClient(), Action.INVALID_CLIENT, 401, id="AU-02 a client that failed"),
        pytest.param(InvalidClient(status=429), Action.INVALID_CLIENT, 429, id="AU-02 a client that failed too often"),
        pytest.param(ServerError(), Action.INTERNAL_SERVER_ERROR, 500, id="AU-05 an incident"),
        pytest.param(TemporarilyUnavailable(), Action.UNAVAILABLE, 503, id="Redis is away"),
    ],
)
def test_a_refusal_tells_action_and_status(error: ProtocolError, action: Action, status: int) -> None:
    decision = refuse(error)
    assert (decision.action, decision.status, decision.outcome) == (action, status, error.error)


def test_a_refusal_is_a_ready_made_body_with_its_headers() -> None:
    """IT-22, AU-11, AU-12, AU-13, AU-14: error, error_description and further members."""
    decision = refuse(InvalidRequest("Wrong.", headers={"Allow": "POST"}), incident="abc")
    assert orjson.loads(decision.content) == {
        "error": "invalid_request",
        "error_description": "Wrong.",
        "incident": "abc",
    }
    assert decision.headers == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Pragma": "no-cache",
        "Server": "mintmark",
        "Allow": "POST",
    }


def test_401_comes_with_a_challenge_and_nothing_else_does() -> None:
    """AU-03, IT-26; RFC 9110 section 15.5.2."""
    assert refuse(InvalidClient()).headers["WWW-Authenticate"] == 'Basic realm="mintmark", charset="UTF-8"'
    assert "WWW-Authenticate" not in refuse(InvalidClient(status=429)).headers
    assert "WWW-Authenticate" not in refuse(InvalidRequest("Wrong.")).headers


@pytest.mark.parametrize(
    ("error", "challenge"),
    [
        (TokenRequired(), 'Bearer realm="mintmark"'),
        (
            InvalidToken("Gone."),
            'Bearer realm="mintmark", error="invalid_token", error_description="Gone."',
        ),
        (
            InsufficientScope("openid"),
            'Bearer realm="mintmark", error="insufficient_scope",'
            ' error_description="The access token was not issued for the scope openid.", scope="openid"',
        ),
        (InvalidToken(headers={"WWW-Authenticate": "its own"}), "its own"),
    ],
)
def test_a_resource_challenges_for_a_token(error: ProtocolError, challenge: str) -> None:
    """RFC 6750 section 3."""
    assert refuse(error).headers["WWW-Authenticate"] == challenge
    assert refuse(error, by_header=False).headers["WWW-Authenticate"] == challenge


def test_a_secret_in_the_form_gets_no_challenge() -> None:
    assert "WWW-Authenticate" not in refuse(InvalidClient(), by_header=False).headers


def test_an_error_without_a_text_has_no_empty_description() -> None:
    assert orjson.loads(refuse(ServerError()).content) == {"error": "server_error"}


def test_an_answer_is_200_and_not_to_be_stored() -> None:
    """AU-10, AU-11, AU-12, AU-13, AU-14, IT-24."""
    decision = answer(b'{"a":1}', issued="what was issued")
    assert (decision.action, decision.status, decision.content) == (Action.OK, 200, b'{"a":1}')
    assert (decision.outcome, decision.issued) == ("ok", "what was issued")
    assert decision.headers == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Pragma": "no-cache",
        "Server": "mintmark",
    }
