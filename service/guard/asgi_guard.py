"""The guard before an ASGI application (Starlette, FastAPI, Django …)."""

from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any

from multidict import CIMultiDict

from service.guard.guard import Guard
from service.guard.needed import Needed
from service.guard.request_url import request_url
from service.guard.resource_metadata import HEADERS
from service.guard.routes import Routes, is_preflight
from service.guard.verdict import MisconfiguredError, Refused
from service.protocol.forwarded_certificates import from_pem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class AsgiGuard:
    """Lets in only who holds a token with all these scopes; ``scope["mintmark_token"]`` is that token.

    WebSockets are closed before they are accepted (403 on the wire). Preflights of CORS are let through: a browser sends no
    token with one. The metadata of the API is for everybody. Where the server speaks ASGI's lifespan, the guard is started
    and closed with the application.

    Args:
        app: The application.
        guard: Checks the tokens.
        scopes: Needed by every request; ``Needed`` for more than scopes.
        open_paths: Exact paths that are for everybody.
        routes: Further scopes by route, see ``Routes``.
    """

    def __init__(
        self,
        app: Application,
        guard: Guard,
        scopes: Collection[str] | Needed = (),
        *,
        open_paths: Collection[str] = (),
        routes: Mapping[str, Collection[str] | Needed] | None = None,
    ) -> None:
        self._app, self._guard = app, guard
        self._routes, self._open = Routes(scopes, routes), frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, or pass it on."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        method, headers, metadata = scope.get("method", "GET"), _headers(scope), self._guard.metadata
        if scope["type"] == "http" and metadata is not None and metadata.answers(method, scope["path"]):
            await send({"type": "http.response.start", "status": 200, "headers": _lines(HEADERS)})
            await send({"type": "http.response.body", "body": b"" if method == "HEAD" else metadata.content})
            return
        is_open = scope["type"] not in ("http", "websocket") or scope.get("path") in self._open
        if is_open or is_preflight(method, {name.lower() for name in headers}):
            await self._app(scope, receive, send)
            return
        needed = self._routes.needed(method, scope["path"])
        try:
            token = await self._guard.check(
                method=method,
                url=_url(scope, headers),
                headers=headers,
                scopes=needed,
                peer=(scope.get("client") or ("",))[0],
                certificate=_certificate(scope),
            )
        except Refused as refused:
            await _refuse(scope, send, refused)
            return
        further = _lines(self._guard.headers())
        await self._app({**scope, "mintmark_token": token}, receive, _with_headers(send, further) if further else send)

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


def _headers(scope: Scope) -> CIMultiDict[str]:
    """All headers, repeated ones included; a lifespan has none."""
    return CIMultiDict((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope.get("headers", ()))


def _url(scope: Scope, headers: Mapping[str, str]) -> str:
    """The URL with the path as the client wrote it, where the server tells."""
    told: str = scope.get("scheme", "http")
    scheme = {"ws": "http", "wss": "https"}.get(told, told)
    raw = scope.get("raw_path")
    return request_url(scheme, headers.get("Host", ""), raw.decode("latin-1") if raw else scope["path"])


def _certificate(scope: Scope) -> bytes | None:
    """What the other end has shown to this server in TLS, where the server tells (ASGI's TLS extension)."""
    chain = (scope.get("extensions") or {}).get("tls", {}).get("client_cert_chain") or ()
    return from_pem(next(iter(chain)))[0] if chain else None


def _lines(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _with_headers(send: Send, further: list[tuple[bytes, bytes]]) -> Send:
    """Send what the application does, with these headers."""

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
