"""The guard before aiohttp handlers: a middleware."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from mintmark_guard.guard import Guard
from mintmark_guard.needed import Needed
from mintmark_guard.request_url import request_url
from mintmark_guard.resource_metadata import HEADERS
from mintmark_guard.routes import Routes, is_preflight, needed_by, needs
from mintmark_guard.verdict import Refused, Token

__all__ = ["TOKEN", "aiohttp_guard", "guarding", "needs"]

TOKEN: web.RequestKey[Token] = web.RequestKey("mintmark_token", Token)
"""``request[TOKEN]``: the token of a request that was let in."""


def aiohttp_guard(
    guard: Guard,
    scopes: Collection[str] | Needed = (),
    *,
    open_paths: Collection[str] = (),
    routes: Mapping[str, Collection[str] | Needed] | None = None,
) -> Middleware:
    """Let in only who holds a token with all these scopes, and with what ``needs`` or ``routes`` want.

    Preflights of CORS are let through: a browser sends no token with one. The metadata of the API is for everybody.

    Args:
        guard: Checks the tokens. The application starts and closes it where ``guarding(guard)`` is among its ``cleanup_ctx``.
        scopes: Needed by every request; ``Needed`` for more than scopes.
        open_paths: Exact paths that are for everybody.
        routes: Further scopes by route, see ``Routes``.
    """
    wanted = Routes(scopes, routes)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if guard.metadata is not None and guard.metadata.answers(request.method, request.path):
            return web.Response(body=guard.metadata.content, headers=HEADERS)
        is_open = request.path in open_paths or is_preflight(request.method, {name.lower() for name in request.headers})
        if not is_open:
            try:
                needed = wanted.needed(request.method, request.path) | _of_handler(request)
                request[TOKEN] = await guard.check(
                    method=request.method,
                    url=_as_written(request),
                    headers=request.headers,
                    scopes=needed,
                    peer=request.remote or "",
                    certificate=_certificate(request),
                )
            except Refused as refused:
                return web.Response(
                    body=refused.body, status=refused.status, headers=refused.headers, content_type="application/json"
                )
        response = await handler(request)
        if not is_open and not response.prepared:
            response.headers.update(guard.headers())
        return response

    return check


def guarding(guard: Guard) -> Callable[[web.Application], AsyncIterator[None]]:
    """For ``cleanup_ctx`` of an application: start the guard with it, and close it."""

    async def context(_: web.Application) -> AsyncIterator[None]:
        await guard.start()
        yield
        await guard.close()

    return context


def _as_written(request: web.Request) -> str:
    """The URL with the path as the client wrote it."""
    if request.raw_path[:1] == "/":
        return request_url(request.scheme, request.host, request.raw_path)
    # Of an absolute target aiohttp takes scheme and host, too.
    scheme = "http" if request.get_extra_info("sslcontext") is None else "https"
    return request_url(scheme, request.headers.get("Host", ""), request.raw_path)


def _certificate(request: web.Request) -> bytes | None:
    """What the other end has shown to this server in TLS."""
    connection = request.get_extra_info("ssl_object")
    return None if connection is None else connection.getpeercert(binary_form=True)


def _of_handler(request: web.Request) -> Needed:
    """What the handler needs; of a class with a method for each HTTP method: of both."""
    handler = request.match_info.handler
    method = getattr(handler, request.method.lower(), None) if isinstance(handler, type) else None
    return needed_by(handler) | needed_by(method)
