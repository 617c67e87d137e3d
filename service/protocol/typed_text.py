"""User names and passwords prepared for comparison: equal letters are equal, whatever keyboard made them (RFC 8265)."""

import unicodedata

_BLANKS = " \t\r\n"


def prepared_name(typed: str) -> str:
    """Return a user name in normal form C, without the blanks that autocorrection leaves around it (RFC 8265 section 3.4)."""
    text = "".join(" " if unicodedata.category(character) == "Zs" else character for character in typed)
    return unicodedata.normalize("NFC", text.strip(_BLANKS))


def prepared_password(typed: str) -> str:
    """Return a password with every kind of space as U+0020, in normal form C (OpaqueString, RFC 8265 section 4.2)."""
    if typed.isascii():
        return typed
    text = "".join(" " if unicodedata.category(character) == "Zs" else character for character in typed)
    return unicodedata.normalize("NFC", text)


def spellings_of_password(typed: str) -> tuple[str, ...]:
    """Return the prepared password, and the spellings that may have been hashed before passwords were prepared."""
    if typed.isascii():
        return (typed,)
    return tuple(dict.fromkeys((prepared_password(typed), typed, unicodedata.normalize("NFD", typed))))
