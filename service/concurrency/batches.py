"""Batches: work that is cheaper one after the other, done for all requests that a turn of the event loop has brought."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class WorkBatch:
    """Work of one event loop that is done together: signatures, above all.

    What a signature calculates with fills the nearest cache of a processor several times over. Between two pieces of Python it
    evicts them, and they it: each costs half as much again.
    """

    def __init__(self) -> None:
        self._due: list[tuple[asyncio.Future[Any], Callable[[], Any]]] = []

    def do(self, work: Callable[[], _Result]) -> "asyncio.Future[_Result]":
        """Do this when every request that is here has come as far. The future gets what it returns, or the error it raises."""
        loop = asyncio.get_running_loop()
        if not self._due:
            loop.call_soon(self._run)
        future: asyncio.Future[_Result] = loop.create_future()
        self._due.append((future, work))
        return future

    def _run(self) -> None:
        due, self._due = self._due, []
        for future, work in due:
            if future.done():  # who waited has given up
                continue
            try:
                future.set_result(work())
            except Exception as error:  # noqa: BLE001 (for who waits)
                future.set_exception(error)
