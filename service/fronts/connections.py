"""Connections of both ports: what aiohttp would answer by itself is answered by us, and never with what was sent.

A request that is no HTTP, whose head is too long, or that breaks off never gets to a front. aiohttp answers it with a text that
quotes it, cookies and all, and logs it as an error with a trace; anybody can do that a thousand times a second.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import BadStatusLine, HttpProcessingError, InvalidHeader, InvalidURLError, LineTooLong
from aiohttp.web_protocol import RequestHandler

from service.fronts.direct import DirectConnection
from service.issuer import Issuer
from service.observe.events import Event
from service.observe.sampling import Sampled
from service.protocol.errors import InvalidRequest, ProtocolError, ServerError

log = logging.getLogger(__name__)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Render = Callable[[ProtocolError], web.Response]
LINGERING_SECONDS = 2.0
"""How long to go on reading the rest of a body that was refused, so that its sender gets to read why."""
_MALFORMED = Sampled(log, Event.MALFORMED_REQUEST)


class _Connection(DirectConnection):
    """One connection."""

    __slots__ = ("_issuer", "_render")

    def __init__(
        self,
        manager: "Connections",
        issuer: Issuer,
        render: Render,
        is_leaving: Callable[[], bool],
        **options: Any,  # noqa: ANN401 (aiohttp's)
    ) -> None:
        super().__init__(manager, is_leaving, **options)
        self._issuer, self._render = issuer, render

    def handle_error(
        self,
        request: web.BaseRequest,
        _status: int = 500,
        exc: BaseException | None = None,
        _message: str | None = None,
    ) -> web.StreamResponse:
        """The answer where no front gave one; the connection is closed after it. Raises ConnectionError behind another."""
        if isinstance(exc, HttpProcessingError):
            reason, error = self._malformed(exc)
            self._count(reason, request.remote)
        else:
            error = self._unforeseen(exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        response = self._render(error)
        response.force_close()
        return response

    def log_exception(self, *args: object, **kwargs: object) -> None:
        """A body that breaks off behind its answer is no error of ours."""
        if isinstance(kwargs.get("exc_info"), web.RequestPayloadError | HttpProcessingError):
            self._count("body", self.peername[0] if isinstance(self.peername, tuple) else "")
        else:
            super().log_exception(*args, **kwargs)

    def _count(self, reason: str, address: str | None) -> None:
        self._issuer.metrics.malformed_request(reason)
        _MALFORMED.write({"reason": reason, "address": address or ""})

    def _malformed(self, exc: HttpProcessingError) -> tuple[str, ProtocolError]:
        """What is wrong, as metrics call it and as the sender reads it."""
        if isinstance(exc, LineTooLong):
            if exc.args[1] == self.max_line_size:
                return "target_too_long", _too_long("request target", self.max_line_size, 414)
            return "header_too_long", _too_long("header", self.max_line_size, 431)
        if isinstance(exc, BadStatusLine | InvalidURLError):
            return "request_line", InvalidRequest("The request line is not HTTP/1.1.")
        if exc.message == "Too many headers received":
            return "too_many_headers", InvalidRequest("The request has too many headers.", status=431)
        if isinstance(exc, InvalidHeader):
            return "header", InvalidRequest("A header is malformed.")
        return "other", InvalidRequest("The request is malformed HTTP.")

    def _unforeseen(self, exc: BaseException | None) -> ProtocolError:
        incident = secrets.token_hex(8)
        log.error(Event.INCIDENT, exc_info=exc, extra={"incident": incident})
        return ServerError(f"Something went wrong; incident {incident}.")


def _too_long(what: str, most: int, status: int) -> InvalidRequest:
    return InvalidRequest(f"The {what} has more than {most} bytes.", status=status)


class Connections(web.Server):
    """The aiohttp server whose connections are ours.

    Args:
        issuer: Whose settings bound a request's head and how long a connection may idle.
        handler: Answers requests.
        request_factory: Makes them.
        render: Renders what is refused before there is a request.
        is_leaving: Whether clients that keep connections are to connect elsewhere, before all are closed.
    """

    def __init__(
        self,
        issuer: Issuer,
        handler: Handler,
        request_factory: Callable[..., web.BaseRequest],
        render: Render,
        is_leaving: Callable[[], bool] = bool,
    ) -> None:
        settings = issuer.settings
        super().__init__(
            handler,
            request_factory=request_factory,
            access_log=None,
            keepalive_timeout=settings.idle_seconds,
            lingering_time=LINGERING_SECONDS,
            auto_decompress=False,  # what is refused anyway is not unpacked
            max_line_size=settings.max_head,
            max_field_size=settings.max_head + 1,  # by which the two are distinguished
        )
        self._issuer, self._render, self._is_leaving = issuer, render, is_leaving

    def __call__(self) -> RequestHandler:
        """The protocol of a new connection."""
        return _Connection(self, self._issuer, self._render, self._is_leaving, loop=self._loop, **self._kwargs)
