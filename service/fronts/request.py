"""Requests of the public port: aiohttp's requests, made and read with less work."""

import asyncio

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy


class PublicRequest(web.BaseRequest):
    """A request whose most used properties are plain attributes.

    aiohttp's properties cost a look-up in a dictionary whenever they are read, and a request reads them some fifteen times.
    """

    # These hide the properties; each request has its own. Slots would be as fast, but make such a request dearer to create.
    headers: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())
    method: str = ""
    remote: str | None = None
    scheme: str = ""

    target: str
    """The path and query as they were sent."""

    def __init__(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
        loop: asyncio.AbstractEventLoop,
        client_max_size: int,
    ) -> None:
        self.target = target = message.path
        if target[:1] != "/":  # an absolute URL, or "*"
            super().__init__(message, payload, protocol, writer, task, loop, client_max_size=client_max_size)
            self.headers, self.method = self._headers, self._method
            self.scheme, self.remote = super().scheme, super().remote
            return
        # all attributes that aiohttp's __init__ sets
        self._message, self._payload, self._protocol, self._payload_writer = message, payload, protocol, writer
        self._headers = self.headers = message.headers
        self._method = self.method = message.method
        self._version, self._rel_url = message.version, message.url
        self._transport_sslcontext = tls = protocol.ssl_context
        self._transport_peername = peer = protocol.peername
        self._transport_sockname = protocol.sockname
        self._state = {}
        self._cache = {}
        self._task, self._loop = task, loop
        self._client_max_size, self._client_max_fields = client_max_size, _MOST_FIELDS
        self.scheme = "https" if tls else "http"
        self.remote = str(peer[0]) if peer.__class__ is tuple else None if peer is None else str(peer)

    def read_now(self) -> bytes | None:
        """Return the body if it is complete, None where ``read`` has to wait for it or refuse it."""
        if self._read_bytes is None:
            content, length = self._payload, self._payload.total_bytes
            if not content.is_eof() or content.exception() is not None or length > self._client_max_size:
                return None
            if length and content._size == length and len(content._buffer) == 1 and not self._protocol._reading_paused:
                self._read_bytes = content._buffer.popleft()  # one piece, for which reading was not paused
            else:
                self._read_bytes = content.read_nowait()
        return self._read_bytes


_MOST_FIELDS = 1000
"""aiohttp's bound of fields in a multipart form, which no endpoint reads."""
