"""Observation of every request at both ports: its id, duration, span, and line in the access log."""

import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter

from aiohttp import web
from multidict import istr

from service.crypto.random_blocks import RandomBlocks
from service.fronts.methods import Handler
from service.fronts.peer import is_proxy, peer_of
from service.fronts.ready import Ready
from service.fronts.request import PublicRequest
from service.issuer import Issuer
from service.observe.current import CURRENT, REQUEST_ID, Current, is_plain_id
from service.observe.events import Event
from service.observe.trace_context import HEADER, parse

log = logging.getLogger("service.access")

NOT_FOUND = "not_found"
"""The name of unknown paths in metrics."""
_ID_BYTES = 8
_REQUEST_ID, _TRACEPARENT = istr(REQUEST_ID), istr(HEADER)


class Watch:
    """Observes requests, whose handlers are called by ``answer``."""

    def __init__(self, issuer: Issuer) -> None:
        self._settings = issuer.settings
        self._took = issuer.metrics.request_took
        self._tracing = issuer.tracing
        self._randomness = RandomBlocks()
        self._sample = issuer.settings.access_log_sample

    async def answer(self, http: web.BaseRequest, handler: Handler, endpoint: str, route: str) -> web.StreamResponse:
        """Return the response of a handler, and observe it.

        Args:
            http: The request.
            handler: Answers it.
            endpoint: The name of the endpoint in metrics.
            route: The path of the endpoint, "" where it is unknown.
        """
        started = perf_counter()
        headers = http.headers
        request_id = headers.get(_REQUEST_ID)
        if request_id is None or not is_plain_id(request_id):
            request_id = self._randomness(_ID_BYTES).hex()
        current = Current(request_id)
        CURRENT.set(current)
        if self._tracing is not None or _TRACEPARENT in headers:
            self._trace(http, current, route)
        response: web.StreamResponse | None = None
        try:
            response = await handler(http)
            if isinstance(response, Ready):
                response.request_id = request_id
            elif not response.prepared:
                response.headers[_REQUEST_ID] = request_id
            return response
        except web.HTTPException as raised:
            response = raised
            raised.headers[_REQUEST_ID] = request_id
            raise
        finally:
            took = perf_counter() - started
            self._took(took, endpoint, current.grant_type)
            if current.span is not None or self._sample:
                self._report(http, current, response, endpoint, route, took)

    def _trace(self, http: web.BaseRequest, current: Current, route: str) -> None:
        """Begin a span. Without tracing, the caller's trace is still named in logs and in outgoing calls."""
        current.caller = caller = parse(http.headers.getall(_TRACEPARENT, []))
        if self._tracing is not None:
            trusted = caller is not None and is_proxy(http, self._settings)
            current.span = self._tracing.begin(http.method, route, caller, trusted=trusted)

    def _report(
        self,
        http: web.BaseRequest,
        current: Current,
        response: web.StreamResponse | None,
        endpoint: str,
        route: str,
        took: float,
    ) -> None:
        """End the span and log the request. No response means an error or shutdown, which aiohttp answers with 500."""
        status = 500 if response is None else response.status
        if current.span is not None:
            grant_type = {"mintmark.grant_type": current.grant_type} if current.grant_type else {}
            attributes: dict[str, str | int] = {
                "http.response.status_code": status,
                "url.scheme": http.scheme,
                **grant_type,
            }
            current.span.end(attributes, str(status) if status >= 500 else "")
        if self._sample and (status >= 400 or random.random() < self._sample):  # noqa: S311
            facts = {"endpoint": endpoint, "method": http.method[:16], "path": route, "status": status}
            facts |= {"grant_type": current.grant_type} if current.grant_type else {}
            facts |= {"milliseconds": round(took * 1000, 2), "address": peer_of(http, self._settings).address}
            log.info(Event.REQUEST, extra=facts)


def watching(issuer: Issuer, handlers: Mapping[str, Handler], names: Mapping[str, str], not_found: Handler) -> Handler:
    """Return the handler for a table of paths. It observes paths with a name, and unknown paths."""
    watch = Watch(issuer)
    table = {path: (handler, names.get(path)) for path, handler in handlers.items()}

    def dispatch(http: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        path = http.target if isinstance(http, PublicRequest) else http.path
        found = table.get(path)
        if found is None:  # try the path decoded and without its query
            path = http.path
            found = table.get(path)
            if found is None:  # try a path with a variable last part
                path = f"{path.rpartition('/')[0]}/*"
                found = table.get(path)
            if found is None:
                return watch.answer(http, not_found, NOT_FOUND, "")
        handler, name = found
        return watch.answer(http, handler, name, path) if name else handler(http)

    return dispatch


def watching_middleware(issuer: Issuer, unwatched: frozenset[str]) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return the middleware for a web.Application; requests are named by the pattern of their route, to bound the names."""
    watch = Watch(issuer)

    @web.middleware
    async def watched(http: web.Request, handler: Handler) -> web.StreamResponse:
        resource = http.match_info.route.resource
        route = resource.canonical if resource is not None else ""
        if route in unwatched:
            return await handler(http)
        known = bool(route) and "{anything" not in route
        return await watch.answer(http, handler, route if known else NOT_FOUND, route if known else "")

    return watched
