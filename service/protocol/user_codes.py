"""User codes: short enough to be typed on a phone, from letters that make no words and look like no others (RFC 8628 6.1)."""

import re

from service.protocol.credentials import Randomness

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Twenty letters: without vowels, and without digits that look like letters."""
LENGTH = 8
"""34 bits: guessing is slow besides (``login.user_codes``)."""
_LONGEST_TYPED = 64
_FORM = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")
_UNBIASED = 256 - 256 % len(ALPHABET)


def new_user_code(randomness: Randomness) -> str:
    """A fresh code without separators."""
    letters = ""
    while len(letters) < LENGTH:
        letters += "".join(ALPHABET[byte % len(ALPHABET)] for byte in randomness(16) if byte < _UNBIASED)
    return letters[:LENGTH]


def shown(code: str) -> str:
    """The code as people see it: ``WDJB-MJHT``."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def typed(text: str) -> str:
    """The code that was typed, whatever its case and separators; "" for what cannot be one."""
    letters = re.sub(r"[\s\-_.,:]", "", text[:_LONGEST_TYPED]).upper()
    return letters if _FORM.fullmatch(letters) else ""
