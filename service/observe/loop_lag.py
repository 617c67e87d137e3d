"""The lag of the event loop: the time that a request waits before its processing begins."""

import asyncio
from time import perf_counter

from service.observe.metrics import Metrics

EVERY = 0.1
"""Seconds between two measurements."""


async def keep_measuring(metrics: Metrics) -> None:
    """Measure until cancelled how much longer than planned a sleep takes."""
    while True:
        due = perf_counter() + EVERY
        await asyncio.sleep(EVERY)
        metrics.loop_lagged(max(0.0, perf_counter() - due))
