"""Redaction of credentials: the one function for every text in a log, an audit entry, a metric, a trace or an error.

The kinds of credentials are defined in one place, ``credentials.Kind``: a new kind there is redacted here. Also redacted are
compact JWTs, credentials of Authorization headers, secrets of webhooks, and the secrets in the settings of this process,
whatever their form.
"""

import json
import re
from collections.abc import Iterable
from itertools import takewhile
from urllib.parse import quote, quote_plus

from service.protocol.credentials import PATTERN

_JWT = re.compile(r"(?:eyJ|eyA[gi]|ewo[giJ]|ew0K)[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){1,4}", re.ASCII)
"""JWS and JWE (RFC 7515 section 3.1, RFC 7516 section 3.1), whole or truncated: a JSON object begins with a brace, and a quote
or white space behind it.
"""
_HEADER = re.compile(r"\b([Bb]asic|[Bb]earer|DPoP)(?: |%20|\+)+[A-Za-z0-9._~+/%=-]{16,}", re.ASCII)
"""The credentials of an Authorization header (RFC 7617, RFC 6750, RFC 9449)."""
_WEBHOOK = re.compile(r"whsec_[A-Za-z0-9+/=]+", re.ASCII)
_SHORTEST = 16
"""The fewest characters of a secret of the settings that is redacted, as a shorter one might be a word."""
CUT = "…"


class _Known:
    """Secrets that are known by their value: their beginnings, and the rests of the secrets with each beginning.

    Longer ones precede those that they contain.
    """

    values: tuple[tuple[str, tuple[str, ...]], ...] = ()


def know(secrets: Iterable[str]) -> None:
    """Redact these secrets from now on, too; they replace earlier ones."""
    words = {word for secret in secrets for word in (secret, *secret.split()) if len(word) >= _SHORTEST}
    written = {form(word) for word in words for form in (str, _in_json, quote_plus, _in_a_path)}
    known: dict[str, list[str]] = {}
    for secret in sorted(written, key=len, reverse=True):
        known.setdefault(secret[:_SHORTEST], []).append(secret[_SHORTEST:])
    _Known.values = tuple((beginning, tuple(rests)) for beginning, rests in known.items())


def redacted(text: str) -> str:
    """Replace each credential in the text by its first characters, which identify its kind, and an ellipsis.

    A log line without credentials takes less than a microsecond, as rare substrings are searched before any pattern.
    """
    if "mm_" in text:
        text = PATTERN.sub(lambda found: found[0][:6] + CUT, text)
    if "eyJ" in text or "eyA" in text or "ewo" in text or "ew0K" in text:
        text = _JWT.sub(lambda found: found[0][:3] + CUT, text)
    if "asic" in text or "earer" in text or "DPoP" in text:
        text = _HEADER.sub(lambda found: f"{found[1]} {CUT}", text)
    if "whsec_" in text:
        text = _WEBHOOK.sub("whsec_" + CUT, text)
    for beginning, rests in _Known.values:
        if beginning in text:
            text = _without(text, beginning, rests)
    return text


def _without(text: str, beginning: str, rests: Iterable[str]) -> str:
    """Remove a secret, or its beginning where a client's text was truncated for display."""
    before, *others = text.split(beginning)
    return CUT.join((before, *(other[max(_shared(other, rest) for rest in rests) :] for other in others)))


def _shared(one: str, other: str) -> int:
    """Return the number of characters that both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _in_json(word: str) -> str:
    return json.dumps(word)[1:-1]


def _in_a_path(word: str) -> str:
    return quote(word, safe="")


def check_no_credential(text: str) -> str:
    """Return ``text``. Raises ValueError where it holds a credential, as names are stored, shown and logged."""
    if redacted(text) != text:
        raise ValueError(
            "holds a credential (a token, a secret, a code): give a name, and replace what was written here"
        )
    return text
