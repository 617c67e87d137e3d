"""The requirements of requests by their route, and the preflights, which carry no token."""

import re
from collections.abc import Collection, Mapping
from functools import reduce
from operator import or_

from mintmark_guard.needed import Needed, as_needed
from mintmark_guard.verdict import Refused

_SLASHES = re.compile("/{2,}")
_METHOD = re.compile("[A-Z]+")
_SEGMENT = r"\{\w+(?::(?:str|int|float|uuid))?\}"
_SEGMENTS = r"\{\w+:path\}"
_PARTS = re.compile(
    rf"(?P<below>/{_SEGMENTS}|/\*\Z)|(?P<any>{_SEGMENTS})|(?P<one>{_SEGMENT})|(?P<text>[^{{}}*<>?#%\s])"
)
_READ_IN_TWO_WAYS = re.compile(r"(?:^|/)\.{1,2}(?:/|\Z)|[\x00-\x1f\x7f]")
"""Dot segments, which some handlers resolve, and control characters, as ``$`` also matches before a final line feed."""


class Routes:
    """Scopes by route: ``{"GET /orders": {"read"}, "POST /orders/{id}": {"write"}, "/admin/*": {"admin"}}``.

    ``Needed.of("write", acr_values="mfa", max_age=300)`` instead of scopes also sets requirements for the user's login.

    A route is a path, with or without a method before it; HEAD counts as GET. ``{name}`` matches one segment, ``*`` at the
    end everything below, and ``{name:path}`` anything. All entries that match a request apply together. A slash at the end,
    or a repeated one, is ignored, as frameworks differ.

    Args:
        everywhere: Required of every request.
        by_route: Further requirements by route.

    Raises:
        ValueError: An entry is not a route.
    """

    def __init__(
        self, everywhere: Collection[str] | Needed, by_route: Mapping[str, Collection[str] | Needed] | None = None
    ) -> None:
        self._everywhere = as_needed(everywhere)
        self._routes = [(*_read(route), as_needed(needed)) for route, needed in (by_route or {}).items()]

    def needed(self, method: str, *paths: str) -> Needed:
        """Return the requirements of a request.

        Args:
            method: In any case, as some frameworks ignore it.
            paths: The decoded path, in every spelling that a framework may route by; all entries that match any of them apply.

        Raises:
            Refused: A path has dot segments or control characters (400).
        """
        if not self._routes:
            return self._everywhere
        if any(_READ_IN_TWO_WAYS.search(path) for path in paths):
            raise Refused(400, "invalid_request", "The path has dot segments or control characters.")
        method, settled = method.upper(), {_settled(path) for path in paths}
        method = "GET" if method == "HEAD" else method
        fitting = (
            needed
            for wanted, pattern, needed in self._routes
            if wanted in ("", method) and any(pattern.fullmatch(path) for path in settled)
        )
        return reduce(or_, fitting, self._everywhere)


def is_preflight(method: str, headers: Collection[str]) -> bool:
    """Whether a request, with header names in lower case, is a CORS preflight, which never carries a token."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def _read(route: str) -> tuple[str, re.Pattern[str]]:
    method, blank, path = route.rpartition(" ")
    if not path.startswith("/") or (blank and not _METHOD.fullmatch(method)):
        raise _no_route(route)
    pattern, at, path = "", 0, _settled(path)
    while at < len(path):
        part = _PARTS.match(path, at)
        if part is None:
            raise _no_route(route)
        by_kind = {"below": "(?:/.*)?", "any": ".*", "one": "[^/]+"}
        pattern, at = pattern + by_kind.get(part.lastgroup or "", re.escape(part[0])), part.end()
    return "GET" if method == "HEAD" else method, re.compile(pattern, re.DOTALL)


def _no_route(route: str) -> ValueError:
    return ValueError(
        f'{route!r} is no route: write "/path", "GET /path/{{name}}", "/path/{{name:path}}" or "/path/*", decoded'
    )


def _settled(path: str) -> str:
    return _SLASHES.sub("/", path).rstrip("/")
