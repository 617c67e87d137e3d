"""What HTTP itself asks of every path, once for all fronts: 405 with Allow, HEAD like GET, OPTIONS, Expect (RFC 9110)."""

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
    """A handler that gets these methods only, and an answer to every other one.

    Args:
        methods: Those that the handler serves.
        handler: Is also called for HEAD where it serves GET; the server leaves the content out (RFC 9110 9.3.2).
        refuse: Renders 405 and 417.
        preflight: For a path that pages of other origins may call.
        head: False where an answer without its content would be a loss, as one with tokens.
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
    """A path of a web.Application for every method; what is expected is left to ``by_method``, and to who reads the body."""

    async def handle(http: web.Request) -> web.StreamResponse:
        return await handler(http)

    return web.route("*", path, handle, expect_handler=_leave)


async def _leave(_: web.Request) -> None:
    """Answer ``Expect``. By itself aiohttp sends 100 Continue to all, and quotes the header in its error."""


def with_head(methods: Iterable[str]) -> tuple[str, ...]:
    """These methods, and HEAD behind GET."""
    return tuple(one for method in methods for one in ((method, "HEAD") if method == "GET" else (method,)))


def not_allowed(methods: str) -> InvalidRequest:
    """405 with the methods that are allowed (RFC 9110 15.5.6)."""
    return InvalidRequest(f"Use {methods.replace(', ', ' or ')}.", status=405, headers={hdrs.ALLOW: methods})


# Expect (RFC 9110 section 10.1.1)


def expectation_failed() -> InvalidRequest:
    """417: nothing but 100-continue can be met."""
    return InvalidRequest("The only expectation that is met is 100-continue.", status=417)


def is_met(http: web.BaseRequest) -> bool:
    """Whether all that the client expects is leave to send the body (100 Continue)."""
    return _expectations(http) <= {"100-continue"}


def waits_for_leave(http: web.BaseRequest) -> bool:
    """Whether the client sends its body only after a 100 Continue; one of HTTP/1.0 never does."""
    return hdrs.EXPECT in http.headers and http.version >= HttpVersion11 and "100-continue" in _expectations(http)


def _expectations(http: web.BaseRequest) -> set[str]:
    words = ",".join(http.headers.getall(hdrs.EXPECT, ())).lower().split(",")
    return {word.strip() for word in words} - {""}
