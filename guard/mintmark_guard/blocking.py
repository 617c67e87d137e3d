"""The guard for code that does not await: WSGI applications, threads, scripts."""

import asyncio
import os
import threading
import weakref
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from mintmark_guard.dpop import SentRequest
from mintmark_guard.guard import Guard
from mintmark_guard.needed import NOTHING, Needed
from mintmark_guard.verdict import Token

_Answer = TypeVar("_Answer")


class BlockingGuard:
    """A guard for threads, which they may share.

    It checks on the calling thread if no request to the token service is needed. Otherwise it asks on its own loop, in one
    background thread per process. A forked worker starts without them, and makes a loop, connections and cache of its own.
    """

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        _ALL.add(self)

    def check(self, sent: SentRequest, needed: Needed = NOTHING) -> Token:
        """Check a request. Raises Refused where it may not be let in."""
        found = self.guard.check_at_hand(sent, needed)
        return self.submit(self.guard.check_request(sent, needed)).result() if found is None else found

    def check_more(self, sent: SentRequest, needed: Needed, checked: Token | None) -> Token:
        """Check a request, or only the further requirements where it was let in before, with the token ``checked``."""
        return self.check(sent, needed) if checked is None else self.guard.check_again(checked, sent, needed)

    async def check_more_async(self, sent: SentRequest, needed: Needed, checked: Token | None) -> Token:
        """Do the same as ``check_more``, from a coroutine on any loop."""
        if checked is not None:
            return self.guard.check_again(checked, sent, needed)
        found = self.guard.check_at_hand(sent, needed)
        if found is None:
            found = await asyncio.wrap_future(self.submit(self.guard.check_request(sent, needed)))
        return found

    def start(self) -> None:
        """Check this API's settings against the token service. Call it after a server forks. Raises MisconfiguredError."""
        self.submit(self.guard.start()).result()

    def close(self) -> None:
        """Close every connection, cancel running checks and end the thread. A later check starts them anew."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(self._end(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    async def _end(self) -> None:
        await self.guard.close()
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def submit(self, work: Coroutine[Any, Any, _Answer]) -> "Future[_Answer]":
        """Run a coroutine on the background thread."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="mintmark-guard", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def forget_process(self) -> None:
        """Drop the thread and connections of the parent process, after a fork."""
        self._lock = threading.Lock()
        self._loop = self._thread = None
        self.guard.forget_process()


_ALL: "weakref.WeakSet[BlockingGuard]" = weakref.WeakSet()


def _after_fork() -> None:
    for one in list(_ALL):
        one.forget_process()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
