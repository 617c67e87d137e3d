"""Connections that answer a whole request in the turn of the event loop in which it comes.

aiohttp hands each request from the connection to a task that serves it, and from that to another: three turns of the loop, a
tenth of what a token request costs. Here a request that came whole, while none before it is answered yet, is served at once.
All else goes aiohttp's way: bodies that are still to come, pipelined requests, upgrades, malformed ones. aiohttp's parser
alone reads bytes, and the connection's state is kept in aiohttp's own terms, so that its timeouts and its shutdown hold.
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
    """One connection of a server that has no access log of aiohttp's."""

    __slots__ = ("_is_leaving",)

    def __init__(self, manager: web.Server, is_leaving: Callable[[], bool] = bool, **options: Any) -> None:  # noqa: ANN401 (aiohttp's)
        """``is_leaving``: whether the server is about to end, so that connections are closed behind each answer."""
        super().__init__(manager, **options)
        self._is_leaving = is_leaving

    def data_received(self, data: bytes) -> None:
        """Take what came: serve the request in it, or leave it to aiohttp."""
        waiter = self._waiter
        if waiter is None or self._messages or waiter.done():  # not idle: ``start`` has work, or is about to
            super().data_received(data)
            return
        self._waiter = None  # so that nothing is handed to ``start`` yet
        try:
            super().data_received(data)
        except BaseException:
            self._waiter = waiter  # by which ``start`` ends with the connection
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
        """Do nothing where nothing was paused: aiohttp asks for it at the end of every body."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; whether the client had gone."""
        if self._is_leaving():
            resp.force_close()
        return await super().finish_response(request, resp, start_time)

    def _serve_now(self, message: RawRequestMessage, payload: StreamReader, waiter: asyncio.Future[None]) -> None:
        """Begin to serve. Until it is done the connection is busy: nothing waits for a request, a task serves one."""
        if self._parser is not None:
            self._parser.message_consumed()
        task = _task(self._serve(message, payload, waiter), self._loop)
        if not task.done():
            self._task_handler = task

    async def _serve(self, message: RawRequestMessage, payload: StreamReader, waiter: asyncio.Future[None]) -> None:
        """Do what aiohttp's ``start`` does for each request."""
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
        """Send an answer in one write; whether the connection stays open. Raises ConnectionError."""
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
        """Be idle again, or go on with what came meanwhile, or end."""
        self._request_in_progress, self._current_request = False, None
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)  # ``shutdown`` waits for it
        self._waiter, self._keepalive = waiter, keeps
        if self._manager is not None:  # else the connection was lost
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
    """Run it, at once as far as it goes without waiting where Python can do that."""
    if sys.version_info >= (3, 12):
        return asyncio.Task(serving, loop=loop, name=_NAME, eager_start=True)
    return loop.create_task(serving, name=_NAME)


_NAME = "request"
"""Of every such task: to make one up for each takes as long as to hash a token."""


def _raising(error: Exception) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def handle(_: web.BaseRequest) -> web.StreamResponse:
        raise error

    return handle
