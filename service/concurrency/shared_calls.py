"""Calls that concurrent callers share: a caller that comes during a call waits for the same answer."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, Generic, TypeVar

_Answer = TypeVar("_Answer")


class SharedCalls(Generic[_Answer]):
    """Shared calls by key, on the running loop."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Future[_Answer]] = {}

    def start(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, _Answer]]) -> asyncio.Future[_Answer]:
        """Return the call that is under way, or start one."""
        call = self._under_way.get(key)
        if call is None:
            call = self._under_way[key] = asyncio.ensure_future(work())
            call.add_done_callback(partial(self._done, key))
        return call

    async def answer(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, _Answer]]) -> _Answer:
        """Return the answer. The call continues if one of its callers is cancelled. Raises what ``work`` raises."""
        return await asyncio.shield(self.start(key, work))

    def forget(self) -> None:
        """Keep the answers of calls under way from later callers."""
        self._under_way.clear()

    def _done(self, key: Hashable, call: asyncio.Future[_Answer]) -> None:
        if self._under_way.get(key) is call:
            del self._under_way[key]
        if not call.cancelled():
            call.exception()  # marks it as seen, as all callers may have been cancelled
