"""The time that tests wait for events: a hang is a failure, a busy machine is not."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE = 60.0
"""The most seconds to wait, far more than needed, so that no result depends on the speed of the machine."""


async def until(holds: Callable[[], Awaitable[bool]], pause: float = 0.02) -> None:
    """Repeat a check every ``pause`` seconds until it holds. Raises TimeoutError where it never does."""
    async with asyncio.timeout(PATIENCE):
        while not await holds():
            await asyncio.sleep(pause)
