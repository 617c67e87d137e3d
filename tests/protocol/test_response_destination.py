"""How an answer is to travel, by what the request asks for."""

import pytest

from service.protocol.errors import InvalidRequest
from service.protocol.names import ResponseMode, ResponseType
from service.protocol.profiles import NO_DEMANDS, Demands
from service.protocol.response_destination import Travel, modes_supported, travel, travel_of_errors

QUERY, FRAGMENT, FORM_POST = ResponseMode


@pytest.mark.parametrize(
    ("asked", "response_type", "goes"),
    [
        (None, "code", (QUERY, False)),
        (None, "code id_token", (FRAGMENT, False)),
        ("query", "code", (QUERY, False)),
        ("fragment", "code", (FRAGMENT, False)),
        ("form_post", "id_token", (FORM_POST, False)),
        ("jwt", "code", (QUERY, True)),  # JARM 2.3.4
        ("jwt", "none", (QUERY, True)),
        ("jwt", "code token", (FRAGMENT, True)),
        ("query.jwt", "code", (QUERY, True)),
        ("fragment.jwt", "code", (FRAGMENT, True)),
        ("fragment.jwt", "id_token", (FRAGMENT, True)),
        ("form_post.jwt", "code id_token token", (FORM_POST, True)),
    ],
)
def test_it_travels_as_it_is_asked_for(asked: str | None, response_type: str, goes: tuple[ResponseMode, bool]) -> None:
    """OAuth 2.0 Multiple Response Types 2.1, JARM 2.3."""
    assert travel(asked, response_type, can_sign=True) == Travel(*goes)
    assert travel_of_errors(asked, response_type, can_sign=True) == Travel(*goes)


@pytest.mark.parametrize(
    ("asked", "response_type", "errors_go"),
    [
        ("query", "id_token", (FRAGMENT, False)),
        ("query.jwt", "code token", (FRAGMENT, True)),  # JARM 2.3.1: only encrypted
        ("pigeon", "code", (QUERY, False)),
        ("pigeon.jwt", "id_token", (FRAGMENT, True)),
        (".jwt", "code", (QUERY, True)),
        ("jwt.jwt", "code", (QUERY, True)),
        ("query.jwt.jwt", "code", (QUERY, True)),
        ("JWT", "code", (QUERY, False)),
        ("", "code", (QUERY, False)),
    ],
)
def test_what_cannot_be_is_refused_where_a_client_can_read_it(
    asked: str, response_type: str, errors_go: tuple[ResponseMode, bool]
) -> None:
    with pytest.raises(InvalidRequest):
        travel(asked, response_type, can_sign=True)
    assert travel_of_errors(asked, response_type, can_sign=True) == Travel(*errors_go)


def test_without_keys_nothing_is_signed() -> None:
    for asked in ("jwt", "query.jwt"):
        with pytest.raises(InvalidRequest):
            travel(asked, "code", can_sign=False)
        assert travel_of_errors(asked, "code", can_sign=False) == Travel(QUERY)
    plain = ["query", "fragment", "form_post"]
    assert modes_supported([ResponseType.CODE], NO_DEMANDS, can_sign=False) == plain
    signed = ["query.jwt", "fragment.jwt", "form_post.jwt", "jwt"]
    assert modes_supported([ResponseType.CODE], NO_DEMANDS, can_sign=True) == [*plain, *signed]
    assert modes_supported([ResponseType.CODE], Demands(jwt_response=True), can_sign=True) == signed
    without_query = ["fragment", "form_post", *signed[1:]]
    assert modes_supported([ResponseType.CODE_ID_TOKEN], Demands(jwt_response=True), can_sign=True) == without_query
