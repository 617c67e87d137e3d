"""User codes, short enough for a phone, of letters that make no words and are not confused (RFC 8628 6.1)."""

import re

from service.protocol.credentials import Randomness

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Twenty letters: without vowels, and without digits that look like letters."""
LENGTH = 8
"""Letters of a code, which hold 34 bits; guessing is also slowed down (``login.user_codes``)."""
_LONGEST_TYPED = 64
_FORM = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")
_UNBIASED = 256 - 256 % len(ALPHABET)


def new_user_code(randomness: Randomness) -> str:
    """Return a new code without separators."""
    letters = ""
    while len(letters) < LENGTH:
        letters += "".join(ALPHABET[byte % len(ALPHABET)] for byte in randomness(16) if byte < _UNBIASED)
    return letters[:LENGTH]


def shown(code: str) -> str:
    """Return the code as users see it: ``WDJB-MJHT``."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def typed(text: str) -> str:
    """Return a typed code without its separators and in upper case; "" for a text that cannot be one."""
    letters = re.sub(r"[\s\-_.,:]", "", text[:_LONGEST_TYPED]).upper()
    return letters if _FORM.fullmatch(letters) else ""
