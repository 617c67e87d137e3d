"""Connections of both ports, with our own answers to malformed requests, which never quote the request.

A request that is no HTTP, whose head is too long, or that is cut off never gets to a front. aiohttp would answer it with a
text that quotes it, cookies included, and log it as an error with a trace, a thousand times a second if a client wants that.
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
"""Seconds to keep reading the rest of a refused body, so that its sender can read the response."""
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
        """Answer where no front did, and close the connection. Raises ConnectionError where a response was sent already."""
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
        """Log an exception, unless a body was cut off after its response, which is no error of ours."""
        if isinstance(kwargs.get("exc_info"), web.RequestPayloadError | HttpProcessingError):
            self._count("body", self.peername[0] if isinstance(self.peername, tuple) else "")
        else:
            super().log_exception(*args, **kwargs)

    def _count(self, reason: str, address: str | None) -> None:
        self._issuer.metrics.malformed_request(reason)
        _MALFORMED.write({"reason": reason, "address": address or ""})

    def _malformed(self, exc: HttpProcessingError) -> tuple[str, ProtocolError]:
        """Return the fault, as its name in metrics and as the error for the sender."""
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
    """The aiohttp server with our connections.

    Args:
        issuer: Its settings bound the length of a request's head, and the idle time of a connection.
        handler: Answers requests.
        request_factory: Makes requests.
        render: Renders a refusal before there is a request.
        is_leaving: Whether the server is about to end, so that clients with kept connections are to connect elsewhere.
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
            auto_decompress=False,  # compressed bodies are refused anyway
            max_line_size=settings.max_head,
            max_field_size=settings.max_head + 1,  # to distinguish the two limits
        )
        self._issuer, self._render, self._is_leaving = issuer, render, is_leaving

    def __call__(self) -> RequestHandler:
        """Return the protocol of a new connection."""
        return _Connection(self, self._issuer, self._render, self._is_leaving, loop=self._loop, **self._kwargs)
