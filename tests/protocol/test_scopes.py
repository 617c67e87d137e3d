"""Scopes (RFC 6749 section 3.3): what is granted of what was asked, and what a refresh may narrow."""

import pytest

from service.protocol.errors import InvalidScope
from service.protocol.names import UnknownScope
from service.protocol.scopes import grantable, narrowed, parse

ALLOWED = ("read", "write")


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("", ()),
        ("read", ("read",)),
        ("read write", ("read", "write")),
        ("write read write", ("write", "read")),
        (" ", ()),
        (" read  write ", ("read", "write")),
        ("https://api.example/read!x", ("https://api.example/read!x",)),
    ],
)
def test_words_keep_their_order_and_come_once(scope: str, words: tuple[str, ...]) -> None:
    """IA-27."""
    assert parse(scope) == words


@pytest.mark.parametrize("scope", ["a\tb", "\u00a0", "read\u00a0write", 'a"b', "a\\b", "é", "a\nb", "a\x7f"])
def test_other_characters_and_spaces_are_refused(scope: str) -> None:
    with pytest.raises(InvalidScope):
        parse(scope)


@pytest.mark.parametrize(
    ("requested", "unknown", "granted"),
    [
        pytest.param(None, UnknownScope.REFUSE, "read", id="nothing: what is allowed of the default"),
        pytest.param("  ", UnknownScope.REFUSE, "read", id="blanks alone are nothing"),
        pytest.param(" write  read ", UnknownScope.REFUSE, "write read", id="blanks too many"),
        pytest.param("write", UnknownScope.REFUSE, "write", id="one that is allowed"),
        pytest.param("write read", UnknownScope.REFUSE, "write read", id="in the order asked"),
        pytest.param("read admin", UnknownScope.DROP, "read", id="the unknown one is dropped"),
    ],
)
def test_granted(requested: str | None, unknown: UnknownScope, granted: str) -> None:
    assert grantable(requested, ALLOWED, "basic read", unknown) == granted


@pytest.mark.parametrize(
    ("requested", "unknown"),
    [
        pytest.param("read admin", UnknownScope.REFUSE, id="one is unknown"),
        pytest.param("admin", UnknownScope.DROP, id="nothing is left"),
        pytest.param("Read", UnknownScope.REFUSE, id="another case"),
        pytest.param("basic", UnknownScope.REFUSE, id="the default, asked for without leave"),
    ],
)
def test_not_granted(requested: str, unknown: UnknownScope) -> None:
    with pytest.raises(InvalidScope):
        grantable(requested, ALLOWED, "basic read", unknown)


@pytest.mark.parametrize(
    ("requested", "scope"),
    [
        (None, "read write"),
        ("read write", "read write"),
        ("write", "write"),
        ("write read", "write read"),
        (" ", "read write"),
        ("  write ", "write"),
    ],
)
def test_a_refresh_may_ask_for_less(requested: str | None, scope: str) -> None:
    assert narrowed(requested, "read write") == scope


@pytest.mark.parametrize(("requested", "original"), [("read admin", "read"), ("read", "")])
def test_a_refresh_may_not_ask_for_more(requested: str, original: str) -> None:
    with pytest.raises(InvalidScope):
        narrowed(requested, original)
