"""Calls that several callers share: one that comes while the work is under way waits for the same answer."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, Generic, TypeVar

_Answer = TypeVar("_Answer")


class SharedCalls(Generic[_Answer]):
    """Calls by a key each, on the running loop."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Future[_Answer]] = {}

    def start(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, _Answer]]) -> asyncio.Future[_Answer]:
        """Return the call that is under way, or begin one."""
        call = self._under_way.get(key)
        if call is None:
            call = self._under_way[key] = asyncio.ensure_future(work())
            call.add_done_callback(partial(self._done, key))
        return call

    def under_way(self, key: Hashable) -> asyncio.Future[_Answer] | None:
        """Return the call that is under way, None for none."""
        return self._under_way.get(key)

    async def answer(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, _Answer]]) -> _Answer:
        """Wait for the answer. The call goes on if one of its callers is cancelled. Raises what ``work`` does."""
        return await asyncio.shield(self.start(key, work))

    def forget(self) -> None:
        """Let no later caller have the answer of a call that is under way."""
        self._under_way.clear()

    def _done(self, key: Hashable, call: asyncio.Future[_Answer]) -> None:
        if self._under_way.get(key) is call:
            del self._under_way[key]
        if not call.cancelled():
            call.exception()  # its callers have it; perhaps all were cancelled
