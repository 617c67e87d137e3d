"""How long tests wait for what must happen: a hang is a failure, a busy machine is none."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE = 60.0
"""Seconds. Nothing that works needs them, so no verdict hangs on how fast the machine is."""


async def until(holds: Callable[[], Awaitable[bool]], pause: float = 0.02) -> None:
    """Ask again and again, with so many seconds between, until it holds. TimeoutError where it never does."""
    async with asyncio.timeout(PATIENCE):
        while not await holds():
            await asyncio.sleep(pause)
