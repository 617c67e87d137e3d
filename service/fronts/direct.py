"""Connections that answer a whole request in the turn of the event loop in which it comes.

aiohttp hands each request from the connection to a task that serves it, and from that to another: three turns of the loop, a
tenth of what a token request costs. Here a request that came whole, while none before it is answered yet, is served at once.
All else goes aiohttp's way: bodies that are still to come, pipelined requests, upgrades, malformed ones. aiohttp's parser
alone reads bytes, and the connection's state is kept in aiohttp's own terms, so that its timeouts and its shutdown hold.
"""

import asyncio
import sys
from collections.abc import Coroutine

from aiohttp import StreamReader
from aiohttp.http import RawRequestMessage, StreamWriter
from aiohttp.web_protocol import RequestHandler


class DirectConnection(RequestHandler):
    """One connection."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Take what came: serve the request in it, or leave it to aiohttp."""
        waiter = self._waiter
        if waiter is None or self._messages or waiter.done():  # not idle: ``start`` has work, or is about to
            super().data_received(data)
            return
        self._waiter = None  # so that nothing is handed to ``start`` yet
        super().data_received(data)
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

    def _serve_now(self, message: RawRequestMessage, payload: StreamReader, waiter: asyncio.Future[None]) -> None:
        """Begin to serve. Until it is done the connection is busy: nothing waits for a request, a task serves one."""
        if self._parser is not None:
            self._parser.message_consumed()
        task = _task(self._serve(message, payload, waiter), self._loop)
        if not task.done():
            self._task_handler = task

    async def _serve(self, message: RawRequestMessage, payload: StreamReader, waiter: asyncio.Future[None]) -> None:
        """What aiohttp's ``start`` does for each request."""
        keeps, starter = False, self._task_handler
        try:
            if not (starter and self._manager and self._request_factory and self._request_handler):
                return  # the connection was lost
            self._manager.requests_count += 1
            writer = StreamWriter(self, self._loop)
            request = self._request_factory(message, payload, self, writer, starter)
            response, reset = await self._handle_request(request, None, self._request_handler)
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

    def _served(self, waiter: asyncio.Future[None], starter: asyncio.Task[None] | None, *, keeps: bool) -> None:
        """Be idle again, or go on with what came meanwhile, or end."""
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
        return asyncio.Task(serving, loop=loop, eager_start=True)
    return loop.create_task(serving)
