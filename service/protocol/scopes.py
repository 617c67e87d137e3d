"""Scopes: space-separated words, in their order, each once (RFC 6749 section 3.3). Superfluous spaces are ignored."""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from service.protocol.errors import InvalidScope
from service.protocol.names import UnknownScope

_LONGEST_REMEMBERED = 200
"""The most characters: what unknown callers send must not fill the memory."""
_SCOPE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")


def parse(scope: str) -> tuple[str, ...]:
    """Return the scope tokens of a scope, each once. Raises InvalidScope for characters that RFC 6749 3.3 does not allow."""
    return _remembered(scope) if len(scope) <= _LONGEST_REMEMBERED else _parse(scope)


def _parse(scope: str) -> tuple[str, ...]:
    if not scope:
        return ()
    if not _SCOPE.fullmatch(scope):
        raise InvalidScope("The scope is malformed: words of printable ASCII, separated by spaces.")
    return tuple(dict.fromkeys(scope.split()))


_remembered = lru_cache(maxsize=1024)(_parse)
"""The parsed scope, cached as clients request the same few again and again."""


def comma_hint(words: Iterable[str]) -> str:
    """Return advice for an operator where a scope has a comma in it, which is allowed but rarely meant; otherwise ""."""
    found = next((word for word in words if "," in word), None)
    return (
        f"{found} is one scope: what separates scopes is a blank, not a comma (RFC 6749 section 3.3)." if found else ""
    )


def grantable(requested: str | None, allowed: Collection[str], default: str, unknown: UnknownScope) -> str:
    """Return the scope to grant: the allowed part of the requested scope, or of the default where none is requested.

    Spaces alone request nothing.

    Raises:
        InvalidScope: A scope is not allowed, unless ``unknown`` says to drop it; or dropping leaves nothing of the request.
    """
    if requested is None or not requested.strip(" "):
        return " ".join([word for word in default.split() if word in allowed])
    words = parse(requested)
    granted = [word for word in words if word in allowed]
    if len(granted) < len(words) and (unknown is UnknownScope.REFUSE or not granted):
        refused = next(word for word in words if word not in allowed)
        raise InvalidScope(f"The scope {refused[:60]} is unknown or not allowed for this client.")
    return " ".join(granted)


def narrowed(requested: str | None, original: str) -> str:
    """Return the scope of a refreshed token: the original, or a part of it (RFC 6749 section 6). Raises InvalidScope."""
    if requested is None or requested == original or not requested.strip(" "):
        return original
    held = original.split(" ")
    words = parse(requested)
    if not set(words) <= set(held):
        raise InvalidScope("The scope goes beyond what was originally granted.")
    return " ".join(words)
