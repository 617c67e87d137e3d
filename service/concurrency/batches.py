"""Batches: work that is cheaper in one go, done for all requests that one turn of the event loop has brought."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class WorkBatch:
    """Work of one event loop that is done in one go: signatures, above all.

    The tables of a signature fill the nearest cache of a processor several times. Between two pieces of Python, signature and
    Python evict each other's data, which costs each of them half as much again.
    """

    def __init__(self) -> None:
        self._due: list[tuple[asyncio.Future[Any], Callable[[], Any]]] = []

    def do(self, work: Callable[[], _Result]) -> "asyncio.Future[_Result]":
        """Add work to the batch of this turn. The future gets its result, or the error that it raises."""
        loop = asyncio.get_running_loop()
        if not self._due:
            loop.call_soon(self._run)
        future: asyncio.Future[_Result] = loop.create_future()
        self._due.append((future, work))
        return future

    def _run(self) -> None:
        due, self._due = self._due, []
        for future, work in due:
            if future.done():  # the waiting caller has given up
                continue
            try:
                future.set_result(work())
            except Exception as error:  # noqa: BLE001 (for who waits)
                future.set_exception(error)
