"""Forms: UTF-8, every parameter once, empty ones absent (RFC 6749 section 3.2 and appendix B)."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.protocol.errors import InvalidRequest
from service.protocol.request import MAX_PARAMETERS, Form, Request, any_form, parse_form


@pytest.mark.parametrize(
    ("body", "parameters"),
    [
        pytest.param(b"", {}, id="nothing"),
        pytest.param(b"a=1&b=2", {"a": "1", "b": "2"}, id="plain"),
        pytest.param(b"a=1+2&b=%C3%A9", {"a": "1 2", "b": "é"}, id="escaped"),
        pytest.param(b"a=+1+2+", {"a": " 1 2 "}, id="blanks alone"),
        pytest.param(b"a%20b=1", {"a b": "1"}, id="an escaped name"),
        pytest.param(b"a=&b", {}, id="empty ones are absent"),
        pytest.param(b"a=%26%3D", {"a": "&="}, id="separators inside"),
        pytest.param(b"a=1=2", {"a": "1=2"}, id="an equals sign more"),
        pytest.param(b"&&a=1&", {"a": "1"}, id="stray separators"),
        pytest.param(b"a=1;b=2", {"a": "1;b=2"}, id="a semicolon is no separator"),
        pytest.param(b"a=%zz", {"a": "%zz"}, id="an escape that is none"),
    ],
)
def test_a_form_is_read(body: bytes, parameters: dict[str, str]) -> None:
    assert parse_form(body).parameters == parameters


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b"a=1&a=1", "The parameter a is given more than once", id="IT-18 twice the same"),
        pytest.param(b"a=1&a=2", "The parameter a is given more than once", id="IT-18 twice"),
        pytest.param(b"a=1&a=", "The parameter a is given more than once", id="IT-18 the second one empty"),
        pytest.param(b"a&a=1", "The parameter a is given more than once", id="IT-18 the first one empty"),
        pytest.param(b"a=1&%61=1", "The parameter a is given more than once", id="IT-18 once escaped"),
        pytest.param(b"unknown=1&unknown=2", "given more than once", id="IT-18 even an unknown one"),
        pytest.param(b"a=\xff", "UTF-8", id="raw bytes that are not UTF-8"),
        pytest.param("a=é".encode(), "UTF-8", id="raw UTF-8 that is not escaped"),
        pytest.param(b"a=%FF", "UTF-8", id="escaped bytes that are not UTF-8"),
        pytest.param(b"a=%ED%A0%80", "UTF-8", id="an escaped surrogate"),
        pytest.param(b"a=%C0%AF", "UTF-8", id="an overlong form"),
        pytest.param(b"a=%00", "NUL", id="an escaped NUL"),
        pytest.param(b"a\x00=1", "NUL", id="a NUL"),
        pytest.param(b"&" * MAX_PARAMETERS, "more than 64", id="too many"),
    ],
)
def test_a_form_is_refused(body: bytes, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        parse_form(body)


def test_64_parameters_are_the_most() -> None:
    fits = b"&".join(b"p%d=1" % number for number in range(MAX_PARAMETERS))
    assert len(parse_form(fits).parameters) == MAX_PARAMETERS
    with pytest.raises(InvalidRequest):
        parse_form(fits + b"&one_more=1")


def test_resource_may_be_repeated_and_keeps_its_order() -> None:
    """RFC 8707 section 2."""
    form = parse_form(b"resource=https%3A%2F%2Fb&resource=&resource=https%3A%2F%2Fa")
    assert (form.resources, form.parameters) == (("https://b", "https://a"), {})


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))


@given(st.dictionaries(TEXT.filter(lambda name: name not in ("", "resource")), TEXT, max_size=MAX_PARAMETERS))
def test_what_was_encoded_is_what_is_read(values: dict[str, str]) -> None:
    form = parse_form(urlencode(values).encode())
    assert form.parameters == {name: value for name, value in values.items() if value}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_form_or_an_invalid_request(body: bytes) -> None:
    try:
        form = parse_form(body)
    except InvalidRequest:
        return
    assert all(form.parameters.values())


def test_a_missing_parameter_is_named() -> None:
    request = Request({"a": "1"})
    assert request.required("a") == "1"
    with pytest.raises(InvalidRequest, match="The parameter b is missing"):
        request.required("b")


# the short way for usual forms, and the long one

_WORDS = (
    b"a",
    b"b",
    b"grant_type",
    b"resource",
    b"%41",
    b"%zz",
    b"%00",
    b"%C3%A4",
    b"%C3",
    b"\xc3",
    b"\x00",
    b"+",
    b" ",
)
_PIECES = st.sampled_from(
    (*_WORDS, b"=", b"=", b"=", b"&", b"&", b"&", b"%", b"%2", b"%26", b"%3D", b"%0a", b"\r", b"\n", b";")
)


def _outcome(parse: Callable[[bytes], Form], body: bytes) -> Form | str:
    try:
        return parse(body)
    except InvalidRequest as error:
        return error.description


@given(st.lists(_PIECES, max_size=40).map(b"".join) | st.binary(max_size=200))
@settings(max_examples=2000, deadline=None)
def test_both_ways_agree_on_every_body(body: bytes) -> None:
    assert _outcome(parse_form, body) == _outcome(any_form, body)


@pytest.mark.parametrize("count", [MAX_PARAMETERS - 1, MAX_PARAMETERS, MAX_PARAMETERS + 1])
def test_both_ways_agree_on_how_many_are_too_many(count: int) -> None:
    body = b"&".join(b"p%d=x" % number for number in range(count))
    assert _outcome(parse_form, body) == _outcome(any_form, body)
