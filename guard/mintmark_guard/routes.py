"""What which requests need, and which requests carry no token by their nature."""

import re
from collections.abc import Callable, Collection, Mapping
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from mintmark_guard.needed import NOTHING, Needed, as_needed, of_words

_SLASHES = re.compile("/{2,}")
_NAMED = re.compile(r"\\{[^/{}]*\\}")
_METHOD = re.compile("[A-Z]+")
_NEEDED = "__mintmark_needed__"

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


class Routes:
    """Scopes by route: ``{"GET /orders": {"read"}, "POST /orders/{id}": {"write"}, "/admin/*": {"admin"}}``.

    In the place of scopes ``Needed.of("write", acr_values="mfa", max_age=300)`` wants more of the user's login, too.

    A method may stand before the path, and HEAD is GET; ``{name}`` is one segment, ``*`` at the end everything below. Every
    entry that fits a request adds what it wants. A slash at the end, or one too many, makes no other route: frameworks differ.

    Raises ValueError for an entry that is none.
    """

    def __init__(
        self, everywhere: Collection[str] | Needed, by_route: Mapping[str, Collection[str] | Needed] | None = None
    ) -> None:
        self._everywhere = as_needed(everywhere)
        self._routes = [(*_read(route), as_needed(needed)) for route, needed in (by_route or {}).items()]

    def needed(self, method: str, path: str) -> Needed:
        """What a request needs. ``path``: decoded."""
        if not self._routes:
            return self._everywhere
        method, path = "GET" if method == "HEAD" else method, _settled(path)
        fitting = (
            needed for wanted, pattern, needed in self._routes if wanted in ("", method) and pattern.fullmatch(path)
        )
        return reduce(or_, fitting, self._everywhere)


def needs(*scopes: str, acr_values: Collection[str] = (), max_age: int | None = None) -> Callable[[_Handler], _Handler]:
    """For a handler of aiohttp: let in only who has all this, beside what the guard wants anyway.

    Args:
        scopes: All of them.
        acr_values: One of these: how the user signed in (RFC 9470).
        max_age: Seconds since the user signed in at most.
    """

    def marked(handler: _Handler) -> _Handler:
        setattr(handler, _NEEDED, needed_by(handler) | of_words(scopes, acr_values, max_age))
        return handler

    return marked


def needed_by(handler: object) -> Needed:
    """What ``needs`` says of a handler."""
    return getattr(handler, _NEEDED, NOTHING)


def is_preflight(method: str, headers: Collection[str]) -> bool:
    """Whether a browser asks if it may ask (CORS): such a request never carries a token. ``headers``: names in lower case."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def _read(route: str) -> tuple[str, re.Pattern[str]]:
    method, blank, path = route.rpartition(" ")
    if not path.startswith("/") or "*" in path[:-1] or (blank and not _METHOD.fullmatch(method)):
        raise ValueError(f'{route!r} is no route: write "/path", "GET /path/{{name}}" or "/path/*"')
    below = path.endswith("/*")
    pattern = _NAMED.sub("[^/]+", re.escape(_settled(path.removesuffix("*") if below else path)))
    return "GET" if method == "HEAD" else method, re.compile(pattern + "(?:/.*)?" * below, re.DOTALL)


def _settled(path: str) -> str:
    return _SLASHES.sub("/", path).rstrip("/")
