"""Responses that are ready bytes: how every answer with tokens, and most refusals, leave (``no-store``), with one write.

What aiohttp does for a response of its own (a dictionary of headers, their checks, their serialisation) is a fifth of what a
token request costs, and comes to the same bytes every time but for four values.
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
"""Of answers that can be ready."""
_VERSION = len("HTTP/1.1")


class Ready(web.StreamResponse):
    """A 200, 201 or 400 with the headers of ``NO_STORE`` and this content, to a request whose method is not HEAD.

    Its bytes are those that ``web.Response`` has. Other headers cannot be set.
    """

    def __init__(self, content: bytes, status: int = 200) -> None:  # nothing of aiohttp's is needed
        self._content = content
        self._status, self._reason = status, _REASONS[status]
        self.request_id = ""
        """Empty for none, else plain enough for a header."""

    def force_close(self) -> None:
        """Have the connection closed behind it."""
        self._keep_alive = False

    def rendered(self, version: HttpVersion, *, keep_alive: bool) -> bytes:
        """Return head and content. ``keep_alive``: whether the connection stays open (RFC 9112 section 9.3)."""
        content, request_id = self._content, self.request_id
        named = f"{REQUEST_ID}: {request_id}\r\n" if request_id else ""
        head = f"{_HEADS[self._status]}{named}Content-Length: {len(content)}\r\nDate: {_date()}\r\n"
        if version is not HttpVersion11:
            connection = "Connection: keep-alive\r\n" if keep_alive and version == HttpVersion10 else ""
            head = f"HTTP/{version[0]}.{version[1]}{head[_VERSION:]}{connection}"
        elif not keep_alive:
            head += "Connection: close\r\n"
        return f"{head}\r\n".encode() + content

    # what aiohttp calls

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Take what is to be known of the request."""
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive
        self._req, self._payload_writer = request, request.writer
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Send it. Raises ConnectionError where the client has gone, RuntimeError for further ``data``."""
        request, writer = self._req, self._payload_writer
        if data or request is None or not isinstance(writer, StreamWriter):
            raise RuntimeError("a ready response is sent whole")
        writer._write(
            self.rendered(request.version, keep_alive=bool(self._keep_alive))
        )  # whole, where ``write`` copies
        await writer.drain()
        self._eof_sent = True
        self._req = self._payload_writer = None


_dated = (0, "")


def _date() -> str:
    """The value of the Date header, made once a second."""
    global _dated
    now = int(time())
    if _dated[0] != now:
        _dated = (now, rfc822_formatted_time())
    return _dated[1]
