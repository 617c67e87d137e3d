"""What operators and clients may write into a member: how long, how many, which characters."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from service.protocol import checked_types

WEB = "https://app.example/"


def read(kind: str, value: Any) -> Any:
    return TypeAdapter(getattr(checked_types, kind)).validate_python(value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("Identifier", "a" * 255),
        ("Identifier", "!~"),
        ("Resource", "urn:example:api"),
        ("Resource", "https://a/b"),
        ("ShortText", "a" * 255),
        ("LongText", "a" * 2000),
        ("ShortTexts", tuple("abcdefghijklmnopqrst")),
        ("Lifetime", 1),
        ("Lifetime", 2_147_483_647),
        ("LifetimeOrNever", 0),
        ("LifetimeOrNever", 2_147_483_647),
        ("WebUri", WEB.ljust(2000, "a")),
        ("WebUri", WEB + "#part"),
        ("WebUri", "http://127.0.0.1/"),
        ("PlainWebUri", WEB.ljust(2000, "a")),
        ("WebUris", tuple(f"{WEB}{n}" for n in range(100))),
        ("RedirectUri", WEB.ljust(2000, "a")),
        ("RedirectUri", "com.example.app:/cb"),
        ("RedirectUris", tuple(f"{WEB}{n}" for n in range(200))),
        ("ClaimName", "c" * 128),
        ("ClaimName", "urn:dept"),
        ("ClaimNames", tuple(f"c{n}" for n in range(32))),
        ("Scopes", ("read", "https://api.example/read!x")),
    ],
)
def test_what_fits_is_kept_as_it_is(kind: str, value: Any) -> None:
    assert read(kind, value) == value


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("Identifier", "", "1 to 255"),
        ("Identifier", "a" * 256, "1 to 255"),
        ("Identifier", "a b", "1 to 255"),
        ("Identifier", "a\x7f", "1 to 255"),
        ("Resource", "https://a/#", "no fragment"),
        ("Resource", "//api", "neither an absolute URI"),
        ("Resource", "https://", "neither an absolute URI"),
        ("ShortText", "a" * 256, "at most 255"),
        ("LongText", "a" * 2001, "at most 2000"),
        ("ShortText", "a\x1fb", "control"),
        ("ShortText", "a\x7fb", "control"),
        ("ShortText", "a\x9fb", "control"),
        ("ShortText", "a\ud800", "valid string"),
        ("ShortTexts", tuple("abcdefghijklmnopqrstu"), "at most 20"),
        ("Lifetime", 0, "greater than or equal to 1"),
        ("Lifetime", 2**31, "less than or equal to 2147483647"),
        ("LifetimeOrNever", -1, "greater than or equal to 0"),
        ("LifetimeOrNever", 2**31, "less than or equal"),
        ("Lifetime", True, "a whole number"),
        ("LifetimeOrNever", False, "a whole number"),
        ("WebUri", WEB.ljust(2001, "a"), "at most 2000"),
        ("WebUri", "com.example.app:/", "an https URL"),
        ("WebUri", "http://app.example/", "loopback"),
        ("PlainWebUri", WEB + "#", "a fragment"),
        ("PlainWebUri", WEB.ljust(2001, "a"), "at most 2000"),
        ("PlainWebUri", "com.app:/", "an https URL"),
        ("WebUris", tuple(f"{WEB}{n}" for n in range(101)), "at most 100"),
        ("RedirectUri", WEB.ljust(2001, "a"), "at most 2000"),
        ("RedirectUri", WEB + "#x", "fragment"),
        ("RedirectUris", tuple(f"{WEB}{n}" for n in range(201)), "at most 200"),
        ("ClaimName", "c" * 129, "at most 128"),
        ("ClaimName", "", "name of a claim"),
        ("ClaimName", "sub", "registered"),
        ("ClaimName", "a b", "name of a claim"),
        ("ClaimName", "a#ja", "name of a claim"),
        ("ClaimName", "a\n", "name of a claim"),
        ("ClaimName", "username", "registered"),
        ("ClaimNames", tuple(f"c{n}" for n in range(33)), "at most 32"),
        ("Scopes", ("a b",), "one word"),
        ("Scopes", ("",), "one word"),
        ("Scopes", ('"',), "printable ASCII"),
        ("Identifier", "mm_cs_x", "a credential"),
        ("Resource", "mm_cs_x", "a credential"),
        ("RedirectUri", WEB + "mm_at_x", "a credential"),
        ("WebUri", WEB + "#mm_at_x", "a credential"),
        ("Scopes", ("mm_at_x",), "a credential"),
        ("LongText", "it is mm_at_x", "a credential"),
    ],
)
def test_what_does_not_fit_is_refused(kind: str, value: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        read(kind, value)


@pytest.mark.parametrize("kind", ["Resources", "WebUris", "RedirectUris", "Scopes", "ClaimNames"])
def test_each_is_kept_once_in_the_order_written(kind: str) -> None:
    one, two = ("https://b.example/", "https://a.example/") if kind != "ClaimNames" else ("b", "a")
    assert read(kind, (one, two, one)) == (one, two)
