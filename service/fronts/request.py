"""Requests of the public port: aiohttp's requests, made and read with less work."""

import asyncio

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage


class PublicRequest(web.BaseRequest):
    """A request whose most used properties are put into aiohttp's cache of properties when it is made."""

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
        target = message.path
        if target[:1] != "/":  # an absolute URL, or "*"
            super().__init__(message, payload, protocol, writer, task, loop, client_max_size=client_max_size)
            self.target = target
            return
        # all attributes that aiohttp's __init__ sets
        self._message, self._payload, self._protocol, self._payload_writer = message, payload, protocol, writer
        self._headers, self._method, self._version, self._rel_url = headers, method, version, _ = (
            message.headers,
            message.method,
            message.version,
            message.url,
        )
        self._transport_sslcontext = tls = protocol.ssl_context
        self._transport_peername = peer = protocol.peername
        self._transport_sockname = protocol.sockname
        self._state = {}
        self._task, self._loop = task, loop
        self._client_max_size, self._client_max_fields = client_max_size, _MOST_FIELDS
        self._cache = {
            "headers": headers,
            "method": method,
            "version": version,
            "content": payload,
            "keep_alive": not message.should_close,
            "scheme": "https" if tls else "http",
            "remote": str(peer[0]) if peer.__class__ is tuple else None if peer is None else str(peer),
        }
        self.target = target
        """The path and query as they were sent."""

    def read_now(self) -> bytes | None:
        """Return the body if it is complete, None where ``read`` has to wait for it or refuse it."""
        if self._read_bytes is None:
            content = self._payload
            if not content.is_eof() or content.exception() is not None or content.total_bytes > self._client_max_size:
                return None
            self._read_bytes = content.read_nowait()
        return self._read_bytes


_MOST_FIELDS = 1000
"""aiohttp's bound of fields in a multipart form, which no endpoint reads."""
