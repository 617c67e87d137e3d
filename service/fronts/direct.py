"""Connections that answer a complete request in the turn of the event loop in which it arrives.

aiohttp passes each request from the connection to a task that serves it, and from that to another: three turns of the loop, a
tenth of the cost of a token request. Here a request that arrives complete on an idle connection is served at once. Other
requests go aiohttp's way: incomplete bodies, pipelined requests, upgrades, malformed ones. Only aiohttp's parser reads bytes,
and the state of the connection is in aiohttp's own attributes, so that its timeouts and its shutdown work.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http import RawRequestMessage, StreamWriter
from aiohttp.web_protocol import RequestHandler

from service.fronts.ready import Ready


class DirectConnection(RequestHandler):
    """One connection of a server without aiohttp's access log."""

    __slots__ = ("_is_leaving",)

    def __init__(self, manager: web.Server, is_leaving: Callable[[], bool] = bool, **options: Any) -> None:  # noqa: ANN401 (aiohttp's)
        """Make a connection.

        Args:
            manager: The server.
            is_leaving: Whether the server is about to end, so that connections are closed after each response.
            options: Of aiohttp's ``RequestHandler``.
        """
        super().__init__(manager, **options)
        self._is_leaving = is_leaving

    def data_received(self, data: bytes) -> None:
        """Parse received bytes: serve the request in them, or leave it to aiohttp."""
        waiter = self._waiter
        if waiter is None or self._messages or waiter.done():  # not idle: ``start`` has work, or will have
            super().data_received(data)
            return
        self._waiter = None  # so that ``start`` gets nothing yet
        try:
            super().data_received(data)
        except BaseException:
            self._waiter = waiter  # so that ``start`` ends with the connection
            raise
        messages = self._messages
        if len(messages) == 1 and not self._upgraded:
            message, payload = messages[0]
            if isinstance(message, RawRequestMessage) and payload.is_eof() and not message.upgrade:
                messages.clear()
                self._serve_now(message, payload, waiter)
                return
        self._waiter = waiter
        if messages:
            waiter.set_result(None)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Resume reading only where it was paused, as aiohttp calls this at the end of every body."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send a response. Return it, and whether the client had disconnected."""
        if self._is_leaving():
            resp.force_close()
        return await super().finish_response(request, resp, start_time)

    def _serve_now(self, message: RawRequestMessage, payload: StreamReader, waiter: asyncio.Future[None]) -> None:
        """Start serving a request. The connection is busy until that has ended."""
        if self._parser is not None:
            self._parser.message_consumed()
        task = _task(self._serve(message, payload, waiter), self._loop)
        if not task.done():
            self._task_handler = task

    async def _serve(self, message: RawRequestMessage, payload: StreamReader, waiter: asyncio.Future[None]) -> None:
        """Serve a request as aiohttp's ``start`` does."""
        keeps, starter, manager, make = False, self._task_handler, self._manager, self._request_factory
        try:
            if starter is None or manager is None or make is None or self._request_handler is None:
                return  # the connection was lost
            manager.requests_count += 1
            self._request_in_progress = True
            self._current_request = request = make(message, payload, self, StreamWriter(self, self._loop), starter)
            try:
                response = await self._request_handler(request)
            except Exception as error:  # noqa: BLE001 (aiohttp knows what to do with each)
                response, reset = await self._handle_request(request, None, _raising(error))
            else:
                if isinstance(response, Ready):
                    keeps = self._send(message, response)
                    if self._paused:  # the client reads slowly
                        await self._drain_helper()
                    return
                response, reset = await self.finish_response(request, response, None)
            keeps = bool(response.keep_alive) and not reset
        except ConnectionError:
            self.log_debug("Ignored premature client disconnection")
        except asyncio.CancelledError:
            self.force_close()
            raise
        except Exception as error:  # noqa: BLE001 (of the server itself)
            self.log_exception("Unhandled exception", exc_info=error)
            self.force_close()
        finally:
            self._served(waiter, starter, keeps=keeps)

    def _send(self, message: RawRequestMessage, ready: Ready) -> bool:
        """Send a response in one write. Return whether the connection stays open. Raises ConnectionError."""
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        keeps = ready.keep_alive
        if keeps is None:
            keeps = not message.should_close
        if self._is_leaving():
            keeps = False
        transport.write(ready.rendered(message.version, keep_alive=keeps))
        return keeps

    def _served(self, waiter: asyncio.Future[None], starter: asyncio.Task[None] | None, *, keeps: bool) -> None:
        """Become idle, or continue with requests that arrived meanwhile, or close."""
        self._request_in_progress, self._current_request = False, None
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)  # ``shutdown`` waits for it
        self._waiter, self._keepalive = waiter, keeps
        if self._manager is not None:  # None: the connection was lost
            self._task_handler = starter
        if keeps and not self._close and not self._force_close:
            self._next_keepalive_close_time = ends_at = self._loop.time() + self._keepalive_timeout
            if self._keepalive_handle is None:
                self._keepalive_handle = self._loop.call_at(ends_at, self._process_keepalive)
            if self._messages and not waiter.done():
                waiter.set_result(None)
            return
        self.close()  # ends ``start``
        if self.transport is not None and not self._force_close:
            self.transport.close()


def _task(serving: Coroutine[None, None, None], loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
    """Run the coroutine as a task; from Python 3.12 on, its first part runs at once."""
    if sys.version_info >= (3, 12):
        return asyncio.Task(serving, loop=loop, name=_NAME, eager_start=True)
    return loop.create_task(serving, name=_NAME)


_NAME = "request"
"""The name of every such task, as making one for each takes as long as hashing a token."""


def _raising(error: Exception) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def handle(_: web.BaseRequest) -> web.StreamResponse:
        raise error

    return handle
