"""Why requests are refused: a closed list of reasons, each with its texts, its cause and its remedy.

A reason is a label of metrics and a member of log lines; its texts are those in the code (``log=`` of an error, or its
description), with ``{}`` for what varies. ``docs/reference/refusals.md`` is made of this table; a test finds every error
that the code raises and that has no reason here.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from service.protocol import exchange_refusals
from service.protocol.refusal_texts import TEXTS

UNKNOWN = "other"
"""The reason of errors that are not in the table."""
ANY = "any"
"""The mark in place of an error where the same reason leads to several errors."""


class Refusal(NamedTuple):
    """A reason with its registered error, its cause and its remedy."""

    reason: str
    error: str
    cause: str
    remedy: str
    texts: tuple[str, ...]


REFUSALS = tuple(Refusal(*row) for row in (*exchange_refusals.TEXTS, *TEXTS))
_ERRORS = frozenset(one.error for one in REFUSALS)
REASONS = tuple(dict.fromkeys((*(one.reason for one in REFUSALS), UNKNOWN)))


@cache
def _patterns(error: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return patterns for the texts of an error with their reasons. Made at first use, as all of them would delay the start."""
    return tuple((_pattern(one.texts), one.reason) for one in REFUSALS if one.error == error)


def _pattern(texts: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for these texts; ``test_refusals`` holds that an error_description may be written like them."""
    parts = (".*".join(map(re.escape, text.split("{}"))) for text in texts)
    return re.compile("|".join(parts), re.DOTALL)


def reason_of(error: str, text: str) -> str:
    """Return the reason of a registered error with this text, one of ``REASONS``."""
    for pattern, reason in (*_patterns(ANY), *(_patterns(error) if error in _ERRORS else ())):
        if pattern.fullmatch(text) is not None:
            return reason
    return UNKNOWN
