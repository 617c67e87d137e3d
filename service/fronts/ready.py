"""Responses as ready bytes, sent in one write: every response with tokens, and most refusals (``no-store``).

The work of aiohttp for its own responses (a dictionary of headers, their checks, their serialization) is a fifth of the cost
of a token request, and results in the same bytes every time, except for four values.
"""

from time import time

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import HttpVersion, StreamWriter

from service.observe.current import REQUEST_ID
from service.protocol.decision import NO_STORE

_REASONS = {200: "OK", 201: "Created", 400: "Bad Request"}
_HEADS = {
    status: f"HTTP/1.1 {status} {reason}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in NO_STORE.items())
    for status, reason in _REASONS.items()
}
STATUSES = frozenset(_REASONS)
"""The status codes that a ready response may have."""
_VERSION = len("HTTP/1.1")


class Ready(web.StreamResponse):
    """A response with status 200, 201 or 400 and the headers of ``NO_STORE``, to a request whose method is not HEAD.

    Its bytes are those of ``web.Response``. Other headers cannot be set.
    """

    def __init__(self, content: bytes, status: int = 200) -> None:  # aiohttp's own is not needed
        self._content = content
        self._status, self._reason = status, _REASONS[status]
        self.request_id = ""
        """The id of the request, safe in a header; "" for none."""

    def force_close(self) -> None:
        """Close the connection after this response."""
        self._keep_alive = False

    def rendered(self, version: HttpVersion, *, keep_alive: bool) -> bytes:
        """Return head and content; ``keep_alive`` says whether the connection stays open (RFC 9112 section 9.3)."""
        content, request_id = self._content, self.request_id
        named = f"{REQUEST_ID}: {request_id}\r\n" if request_id else ""
        head = f"{_HEADS[self._status]}{named}Content-Length: {len(content)}\r\nDate: {_date()}\r\n"
        if version is not HttpVersion11:
            connection = "Connection: keep-alive\r\n" if keep_alive and version == HttpVersion10 else ""
            head = f"HTTP/{version[0]}.{version[1]}{head[_VERSION:]}{connection}"
        elif not keep_alive:
            head += "Connection: close\r\n"
        return f"{head}\r\n".encode() + content

    # called by aiohttp

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Read the request's writer and keep-alive."""
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive
        self._req, self._payload_writer = request, request.writer
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the response. Raises ConnectionError where the client disconnected, RuntimeError for further ``data``."""
        request, writer = self._req, self._payload_writer
        if data or request is None or not isinstance(writer, StreamWriter):
            raise RuntimeError("a ready response is sent whole")
        writer._write(self.rendered(request.version, keep_alive=bool(self._keep_alive)))  # ``write`` would copy it
        await writer.drain()
        self._eof_sent = True
        self._req = self._payload_writer = None


_dated = (0, "")


def _date() -> str:
    """Return the value of the Date header, made once a second."""
    global _dated
    now = int(time())
    if _dated[0] != now:
        _dated = (now, rfc822_formatted_time())
    return _dated[1]
