"""Which scopes which requests need, and which requests carry no token by their nature."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

_SLASHES = re.compile("/{2,}")
_NAMED = re.compile(r"\\{[^/{}]*\\}")
_METHOD = re.compile("[A-Z]+")
_SCOPES = "__mintmark_scopes__"

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


class Routes:
    """Scopes by route: ``{"GET /orders": {"read"}, "POST /orders/{id}": {"write"}, "/admin/*": {"admin"}}``.

    A method may stand before the path, and HEAD is GET; ``{name}`` is one segment, ``*`` at the end everything below. Every
    entry that fits a request adds its scopes. A slash at the end, or one too many, makes no other route: frameworks differ.

    Raises ValueError for an entry that is none.
    """

    def __init__(self, scopes: Collection[str], by_route: Mapping[str, Collection[str]] | None = None) -> None:
        self._everywhere = _words(scopes)
        self._routes = [(*_read(route), _words(needed)) for route, needed in (by_route or {}).items()]

    def needed(self, method: str, path: str) -> frozenset[str]:
        """What a request needs. ``path``: decoded."""
        if not self._routes:
            return self._everywhere
        method, path = "GET" if method == "HEAD" else method, _settled(path)
        return self._everywhere.union(
            *(needed for wanted, pattern, needed in self._routes if wanted in ("", method) and pattern.fullmatch(path))
        )


def needs(*scopes: str) -> Callable[[_Handler], _Handler]:
    """For a handler of aiohttp: let in only who holds these scopes, beside those that the guard wants anyway."""

    def marked(handler: _Handler) -> _Handler:
        setattr(handler, _SCOPES, scopes_of(handler) | _words(scopes))
        return handler

    return marked


def scopes_of(handler: object) -> frozenset[str]:
    """What ``needs`` says of a handler."""
    return getattr(handler, _SCOPES, frozenset())


def is_preflight(method: str, headers: Collection[str]) -> bool:
    """Whether a browser asks if it may ask (CORS): such a request never carries a token. ``headers``: names in lower case."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def _words(scopes: Collection[str]) -> frozenset[str]:
    """A text is read as scopes with blanks between, never as its letters."""
    return frozenset(scopes.split() if isinstance(scopes, str) else scopes)


def _read(route: str) -> tuple[str, re.Pattern[str]]:
    method, blank, path = route.rpartition(" ")
    if not path.startswith("/") or "*" in path[:-1] or (blank and not _METHOD.fullmatch(method)):
        raise ValueError(f'{route!r} is no route: write "/path", "GET /path/{{name}}" or "/path/*"')
    below = path.endswith("/*")
    pattern = _NAMED.sub("[^/]+", re.escape(_settled(path.removesuffix("*") if below else path)))
    return "GET" if method == "HEAD" else method, re.compile(pattern + "(?:/.*)?" * below, re.DOTALL)


def _settled(path: str) -> str:
    return _SLASHES.sub("/", path).rstrip("/")
