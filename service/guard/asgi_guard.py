"""The guard before an ASGI application (Starlette, FastAPI, Django …)."""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from service.guard.guard import Guard, Refused

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class AsgiGuard:
    """Lets in only who holds a token with all these scopes; ``scope["mintmark_token"]`` is that token.

    ``open_paths``: exact paths that are for everybody. WebSockets are closed before they are accepted (403 on the wire).
    """

    def __init__(
        self, app: Application, guard: Guard, scopes: Collection[str] = (), *, open_paths: Collection[str] = ()
    ) -> None:
        self._app, self._guard = app, guard
        self._scopes, self._open = scopes, frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope.get("path") in self._open:
            await self._app(scope, receive, send)
            return
        shown = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
        try:
            if len(shown) > 1:
                raise Refused(401, "invalid_token", "More than one Authorization header.")
            token = await self._guard.check(shown[0] if shown else None, self._scopes)
        except Refused as refused:
            await _refuse(scope, send, refused)
            return
        await self._app({**scope, "mintmark_token": token}, receive, send)


async def _refuse(scope: Scope, send: Send, refused: Refused) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = {"Content-Type": "application/json", **refused.headers}
    lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refused.status, "headers": lines})
    await send({"type": "http.response.body", "body": refused.body})
