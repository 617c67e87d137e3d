"""What people type to sign in, in the spelling in which it is compared."""

import unicodedata

import pytest

from service.protocol.typed_text import prepared_name, prepared_password, spellings_of_password


@pytest.mark.parametrize(
    ("typed", "prepared"),
    [
        ("alice", "alice"),
        (" alice ", "alice"),
        ("alice\t\r\n", "alice"),
        ("\u00a0alice\u3000", "alice"),
        ("ame\u0301lie", "am\u00e9lie"),
        ("A\u030angstro\u0308m", "\u00c5ngstr\u00f6m"),
        ("Alice", "Alice"),
        ("al ice", "al ice"),
        ("al\u00a0ice", "al ice"),
        ("\u2028", "\u2028"),
        ("", ""),
        (" ", ""),
        ("\ud800", "\ud800"),
    ],
)
def test_a_name(typed: str, prepared: str) -> None:
    assert prepared_name(typed) == prepared
    assert prepared_name(prepared) == prepared


@pytest.mark.parametrize(
    ("typed", "prepared"),
    [
        ("wonderland", "wonderland"),
        (" wonderland ", " wonderland "),
        ("gru\u0308\u00dfe\u00a0gott", "gr\u00fc\u00dfe gott"),
        ("\ufb01sh", "\ufb01sh"),
        ("", ""),
    ],
)
def test_a_password_keeps_its_blanks(typed: str, prepared: str) -> None:
    assert prepared_password(typed) == prepared
    assert spellings_of_password(typed)[0] == prepared


def test_an_ascii_password_costs_one_hashing() -> None:
    assert spellings_of_password("wonder land") == ("wonder land",)
    decomposed = unicodedata.normalize("NFD", "gr\u00fc\u00dfe")
    assert spellings_of_password("gr\u00fc\u00dfe") == ("gr\u00fc\u00dfe", decomposed)
    assert spellings_of_password(decomposed) == ("gr\u00fc\u00dfe", decomposed)
    mixed = "\u00fc\u00a0u\u0308"
    assert spellings_of_password(mixed) == ("\u00fc \u00fc", mixed, "u\u0308\u00a0u\u0308")
