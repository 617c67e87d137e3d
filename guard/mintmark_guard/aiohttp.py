"""The guard for aiohttp: a middleware, and a decorator for handlers."""

import re
from collections.abc import AsyncIterator, Callable, Collection, Generator, Mapping
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import unquote

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from mintmark_guard.dpop import SentRequest
from mintmark_guard.guard import Guard
from mintmark_guard.needed import Needed, of_words
from mintmark_guard.request_url import request_url
from mintmark_guard.resource_metadata import HEADERS
from mintmark_guard.routes import Routes, is_preflight
from mintmark_guard.verdict import Refused, Token

TOKEN: web.RequestKey[Token] = web.RequestKey("mintmark_token", Token)
"""The key of a request for its token: ``request[TOKEN]`` where the request was let in."""
_CHECKED_BY: web.RequestKey[Guard] = web.RequestKey("mintmark_guard", Guard)

_Handler = TypeVar("_Handler", bound=Callable[..., Any])
_KEPT = re.compile("%(?=2[Ff]|25)")


def aiohttp_guard(
    guard: Guard,
    scopes: Collection[str] | Needed = (),
    *,
    open_paths: Collection[str] = (),
    routes: Mapping[str, Collection[str] | Needed] | None = None,
    preflights: bool = False,
) -> Middleware:
    """Let in only requests whose token has all these scopes, and meets what ``needs`` or ``routes`` require.

    The metadata of the API needs no token.

    Args:
        guard: Checks the tokens. The application starts and closes it where ``guarding(guard)`` is among its ``cleanup_ctx``.
        scopes: Required of every request; ``Needed`` for more than scopes.
        open_paths: Exact paths that need no token.
        routes: Further scopes by route, see ``Routes``.
        preflights: Let CORS preflights through, which browsers send without a token. As they reach a handler of OPTIONS or
            ``*`` without a token, each such handler must look at the method. If False, put a middleware for CORS before
            this one.
    """
    wanted = Routes(scopes, routes)

    def is_open(request: web.Request) -> bool:
        if all(path in open_paths for path in _spellings(request)):
            return True
        return preflights and is_preflight(request.method, {name.lower() for name in request.headers})

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if guard.metadata is not None and guard.metadata.answers(request.method, request.path):
            return web.Response(body=guard.metadata.content, headers=HEADERS)
        if is_open(request):
            return await handler(request)
        try:
            needed = wanted.needed(request.method, *_spellings(request))
            request[TOKEN] = await guard.check_request(_sent(request), needed)
        except Refused as refused:
            return _refusal(refused)
        request[_CHECKED_BY] = guard
        response = await handler(request)
        if not response.prepared:
            response.headers.update(guard.headers())
        return response

    return check


def needs(*scopes: str, acr_values: Collection[str] = (), max_age: int | None = None) -> Callable[[_Handler], _Handler]:
    """Return a decorator for a handler, a ``web.View`` or a method of one, which then has requirements of its own.

    They are added to those of the guard. A request that no ``aiohttp_guard`` has checked raises RuntimeError, which is
    answered with 500.

    Args:
        scopes: The token must have all of these.
        acr_values: The user must have signed in by one of these (RFC 9470).
        max_age: The most seconds since the user signed in; None = any number.
    """
    needed = of_words(scopes, acr_values, max_age)

    def guarded(handler: Any) -> Any:  # noqa: ANN401 (a handler, and one of the same kind)
        if isinstance(handler, type):
            return _guarded_view(handler, needed)

        @wraps(handler)
        async def checked(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            refusal = _refusal_of(_request_in(args), needed)
            return await handler(*args, **kwargs) if refusal is None else refusal

        return checked

    return guarded


def guarding(guard: Guard) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return a function for ``cleanup_ctx``, which starts and closes the guard with the application."""

    async def context(_: web.Application) -> AsyncIterator[None]:
        await guard.start()
        yield
        await guard.close()

    return context


def _guarded_view(view: Any, needed: Needed) -> Any:  # noqa: ANN401 (a class of web.View)
    answered: Callable[[web.View], Generator[Any, None, web.StreamResponse]] = view.__await__

    def checked(self: web.View) -> Generator[Any, None, web.StreamResponse]:
        refusal = _refusal_of(self.request, needed)
        return (yield from answered(self)) if refusal is None else refusal

    view.__await__ = checked
    return view


def _request_in(args: Collection[object]) -> web.Request:
    """Return the request among a handler's arguments: one of them, or that of a view. Raises TypeError."""
    for one in args:
        if isinstance(one, web.Request | web.View):
            return one.request if isinstance(one, web.View) else one
    raise TypeError("needs(…) is for handlers of aiohttp: there is no request")


def _refusal_of(request: web.Request, needed: Needed) -> web.Response | None:
    """Return the response that replaces the handler's; None where the request is let in."""
    guard = request.get(_CHECKED_BY)
    if guard is None:
        raise RuntimeError("no guard has checked this request: aiohttp_guard(…) belongs among the middlewares")
    try:
        guard.check_again(request[TOKEN], _sent(request), needed)
    except Refused as refused:
        return _refusal(refused)
    return None


def _refusal(refused: Refused) -> web.Response:
    return web.Response(
        body=refused.body, status=refused.status, headers=refused.headers, content_type="application/json"
    )


def _spellings(request: web.Request) -> set[str]:
    """Return the path fully decoded, and as aiohttp routes it, where %2F is not a slash."""
    return {request.path, unquote(_KEPT.sub("%25", request.rel_url.raw_path))}


def _sent(request: web.Request) -> SentRequest:
    return SentRequest(
        request.method,
        _as_written(request),
        list(request.headers.items()),
        request.remote or "",
        _certificate(request),
    )


def _as_written(request: web.Request) -> str:
    """Return the URL with the path as the client wrote it."""
    if request.raw_path[:1] == "/":
        return request_url(request.scheme, request.host, request.raw_path)
    # For an absolute target aiohttp takes scheme and host from it, which the client wrote.
    scheme = "http" if request.get_extra_info("sslcontext") is None else "https"
    return request_url(scheme, request.headers.get("Host", ""), request.raw_path)


def _certificate(request: web.Request) -> bytes | None:
    """Return the peer's TLS certificate in DER, None if it sent none."""
    connection = request.get_extra_info("ssl_object")
    return None if connection is None else connection.getpeercert(binary_form=True)
