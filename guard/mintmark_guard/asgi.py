"""The guard before an ASGI application (Starlette, FastAPI, Django …)."""

from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping, Sequence
from typing import Any

from mintmark_guard.dpop import SentRequest
from mintmark_guard.forwarded_certificates import from_pem
from mintmark_guard.guard import Guard
from mintmark_guard.needed import Needed
from mintmark_guard.request_url import request_url
from mintmark_guard.resource_metadata import HEADERS
from mintmark_guard.routes import Routes, is_preflight
from mintmark_guard.verdict import MisconfiguredError, Refused

CHECKED_BY = "mintmark_guard"
"""The key of a scope for the guard that let the request in."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class AsgiGuard:
    """An ASGI middleware that lets in only requests whose token has all these scopes.

    ``scope["mintmark_token"]`` is the token then. A refused WebSocket is closed before it is accepted (403 on the wire).
    The metadata of the API needs no token. Where the server supports ASGI's lifespan, the guard is started and closed with
    the application. Put a middleware for CORS before this one, as browsers send preflights without a token.

    Args:
        app: The application.
        guard: Checks the tokens.
        scopes: Required of every request; ``Needed`` for more than scopes.
        open_paths: Exact paths that need no token, without ``root_path`` (that of a mount, for example).
        routes: Further scopes by route, see ``Routes``; without ``root_path``, too.
        preflights: Let CORS preflights through. As they reach the application without a token, every handler of OPTIONS
            must look at the method.
    """

    def __init__(
        self,
        app: Application,
        guard: Guard,
        scopes: Collection[str] | Needed = (),
        *,
        open_paths: Collection[str] = (),
        routes: Mapping[str, Collection[str] | Needed] | None = None,
        preflights: bool = False,
    ) -> None:
        self._app, self._guard, self._preflights = app, guard, preflights
        self._routes, self._open = Routes(scopes, routes), frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, or pass it on."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        method, metadata = scope.get("method", "GET"), self._guard.metadata
        if scope["type"] == "http" and metadata is not None and metadata.answers(method, scope["path"]):
            await send({"type": "http.response.start", "status": 200, "headers": _lines(HEADERS)})
            await send({"type": "http.response.body", "body": b"" if method == "HEAD" else metadata.content})
            return
        if self._is_open(scope):
            await self._app(scope, receive, send)
            return
        try:
            token = await self._guard.check_request(request_of(scope), self._needed(scope))
        except Refused as refused:
            await _refuse(scope, send, refused)
            return
        further = _lines(self._guard.headers())
        inner = {**scope, "mintmark_token": token, CHECKED_BY: self._guard}
        await self._app(inner, receive, _with_headers(send, further) if further else send)

    def _is_open(self, scope: Scope) -> bool:
        if (
            scope["type"] not in ("http", "websocket")
            or _below(scope.get("root_path", ""), scope["path"]) in self._open
        ):
            return True
        return self._preflights and is_preflight(scope.get("method", ""), {name for name, _ in headers_of(scope)})

    def _needed(self, scope: Scope) -> Needed:
        """Look up the path as it is, and below each ``root_path``: the scope does not show the one FastAPI may set."""
        path, roots = scope["path"], (scope.get("root_path", ""), str(getattr(self._app, "root_path", "")))
        return self._routes.needed(scope.get("method", "GET"), path, *(_below(root, path) for root in roots))

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._guard.start()
        except MisconfiguredError as error:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        try:
            await self._app(scope, receive, send)
        finally:
            await self._guard.close()


def request_of(scope: Scope) -> SentRequest:
    """Return the parts of a request that the guard checks."""
    headers = headers_of(scope)
    return SentRequest(
        scope.get("method", "GET"),
        _url(scope, headers),
        headers,
        (scope.get("client") or ("",))[0],
        _certificate(scope),
    )


def headers_of(scope: Scope) -> list[tuple[str, str]]:
    """Return all headers, repeated ones included, with names in lower case; a lifespan has none."""
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope.get("headers", ())]


def _below(root: str, path: str) -> str:
    """Return the path below a root, as Starlette and Django route it."""
    below = path.removeprefix(root)
    return below if below[:1] in ("", "/") else path


def _url(scope: Scope, headers: Sequence[tuple[str, str]]) -> str:
    """Return the URL with the path as the client wrote it, where the server passes that on."""
    scheme: str = scope.get("scheme", "http")
    raw = scope.get("raw_path")
    hosts = [value for name, value in headers if name == "host"]
    return request_url(
        {"ws": "http", "wss": "https"}.get(scheme, scheme),
        hosts[0] if hosts else "",
        raw.decode("latin-1") if raw else scope["path"],
    )


def _certificate(scope: Scope) -> bytes | None:
    """Return the peer's TLS certificate in DER, where the server passes it on (ASGI's TLS extension)."""
    chain = (scope.get("extensions") or {}).get("tls", {}).get("client_cert_chain") or ()
    return from_pem(next(iter(chain)))[0] if chain else None


def _lines(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _with_headers(send: Send, further: list[tuple[bytes, bytes]]) -> Send:
    """Return a ``send`` that adds these headers to the response."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *further]}
        await send(message)

    return sending


async def _refuse(scope: Scope, send: Send, refused: Refused) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    lines = _lines({"Content-Type": "application/json", **refused.headers})
    await send({"type": "http.response.start", "status": refused.status, "headers": lines})
    await send({"type": "http.response.body", "body": refused.body})
