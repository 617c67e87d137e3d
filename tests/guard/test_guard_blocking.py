"""The guard for code that does not await: its end."""

import asyncio
import threading
from concurrent.futures import CancelledError, Future

import pytest

from mintmark_guard.blocking import BlockingGuard
from tests.guard.guarding import reader_guard
from tests.patience import PATIENCE


def test_who_waits_while_a_guard_is_closed_is_told() -> None:
    """Nobody waits for ever, and no task is destroyed while it is pending."""
    guard, begun, ended = BlockingGuard(reader_guard()), threading.Event(), threading.Event()

    async def asking() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting: Future[None] = guard.submit(asking())
    assert begun.wait(PATIENCE)
    guard.close()
    assert ended.is_set()
    with pytest.raises(CancelledError):
        waiting.result(PATIENCE)
