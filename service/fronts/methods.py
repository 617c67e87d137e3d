"""The requirements of HTTP for every path, for all fronts: 405 with Allow, HEAD like GET, OPTIONS, Expect (RFC 9110)."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiohttp import HttpVersion11, hdrs, web

from service.protocol.decision import SERVER
from service.protocol.errors import InvalidRequest, ProtocolError

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Refuse = Callable[[web.BaseRequest, ProtocolError], Awaitable[web.StreamResponse]]
"""Renders a refusal in the form of its front: a page, JSON, problem details."""
Preflight = Callable[[web.BaseRequest], Mapping[str, str]]
"""The headers that answer a CORS preflight (Fetch 4.8)."""


def by_method(
    methods: Iterable[str], handler: Handler, refuse: Refuse, preflight: Preflight | None = None, *, head: bool = True
) -> Handler:
    """Return a handler that passes only these methods on, and answers all others itself.

    Args:
        methods: The methods that the handler serves.
        handler: Also called for HEAD where it serves GET; the server leaves the content out (RFC 9110 section 9.3.2).
        refuse: Renders 405 and 417.
        preflight: Answers preflights, on a path that pages of other origins may call.
        head: Whether HEAD is served; False where GET does something, whose result would be lost without the content.
    """
    served = with_head(methods) if head else tuple(methods)
    allow = ", ".join(served)

    async def otherwise(http: web.BaseRequest) -> web.StreamResponse:
        if http.method in served:
            return await (handler(http) if is_met(http) else refuse(http, expectation_failed()))
        if http.method != hdrs.METH_OPTIONS:
            return await refuse(http, not_allowed(allow))
        headers = preflight(http) if preflight is not None and hdrs.ORIGIN in http.headers else {}
        return web.Response(status=204, headers={hdrs.ALLOW: allow, **SERVER, **headers})

    def handle(http: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        if http.method in served and hdrs.EXPECT not in http.headers:
            return handler(http)
        return otherwise(http)

    return handle


def route(path: str, handler: Handler) -> web.RouteDef:
    """Return a route for every method; Expect is left to ``by_method`` and to the reader of the body."""

    async def handle(http: web.Request) -> web.StreamResponse:
        return await handler(http)

    return web.route("*", path, handle, expect_handler=_leave)


async def _leave(_: web.Request) -> None:
    """Leave Expect to the handler: aiohttp would always send 100 Continue, and quote the header in its error."""


def with_head(methods: Iterable[str]) -> tuple[str, ...]:
    """Return these methods, and HEAD where GET is one."""
    return tuple(one for method in methods for one in ((method, "HEAD") if method == "GET" else (method,)))


def not_allowed(methods: str) -> InvalidRequest:
    """Return 405 with the allowed methods (RFC 9110 section 15.5.6)."""
    return InvalidRequest(f"Use {methods.replace(', ', ' or ')}.", status=405, headers={hdrs.ALLOW: methods})


# Expect (RFC 9110 section 10.1.1)


def expectation_failed() -> InvalidRequest:
    """Return 417: only 100-continue is supported."""
    return InvalidRequest("The only expectation that is met is 100-continue.", status=417)


def is_met(http: web.BaseRequest) -> bool:
    """Whether the client expects nothing but 100-continue."""
    return _expectations(http) <= {"100-continue"}


def waits_for_leave(http: web.BaseRequest) -> bool:
    """Whether the client sends its body only after 100 Continue; a client with HTTP/1.0 never waits."""
    return hdrs.EXPECT in http.headers and http.version >= HttpVersion11 and "100-continue" in _expectations(http)


def _expectations(http: web.BaseRequest) -> set[str]:
    words = ",".join(http.headers.getall(hdrs.EXPECT, ())).lower().split(",")
    return {word.strip() for word in words} - {""}
