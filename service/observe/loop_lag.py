"""How late the event loop is: what a request waits before anybody looks at it."""

import asyncio
from time import perf_counter

from service.observe.metrics import Metrics

EVERY = 0.1
"""Seconds between two looks."""


async def keep_measuring(metrics: Metrics) -> None:
    """Sleep, and see how much longer it took; until cancelled."""
    while True:
        due = perf_counter() + EVERY
        await asyncio.sleep(EVERY)
        metrics.loop_lagged(max(0.0, perf_counter() - due))
