"""The footprint of an idle process of the service: seconds from its start until it is ready, and memory."""

import re
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from loadtests import cpu, servers
from tests.redis_shapes import Shape

STARTS = 3
PSS_MB, READY_SECONDS = 60, 0.6
"""The goals."""


class Footprint(NamedTuple):
    """The start and memory of one process.

    Args:
        ready_seconds: Seconds until it is ready.
        pss: Proportional set size in MB (10⁶ bytes), in which each process has its part of shared pages.
        rss: Resident set size in MB.
    """

    ready_seconds: float
    pss: float
    rss: float


async def footprint(redis: Shape, workers: int = 1) -> Footprint:
    """Start the service several times, and return the medians, of one worker where there are several."""
    starts = [await _start(redis, workers) for _ in range(STARTS)]
    return Footprint(*(median(figures) for figures in zip(*starts, strict=True)))


async def _start(redis: Shape, workers: int) -> Footprint:
    began = time.monotonic()
    async with servers.mintmark(redis, workers) as server:
        took = time.monotonic() - began
        pids = cpu.descendants(server.pid) if workers > 1 else [server.pid]
        sizes = [memory(pid) for pid in pids]
    return Footprint(took, *(sum(each) / len(sizes) for each in zip(*sizes, strict=True)))


def memory(pid: int) -> tuple[float, float]:
    """Return PSS and RSS of a process in MB."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    sizes = dict(re.findall(r"^(\w+): +(\d+) kB$", told, re.MULTILINE))
    return int(sizes["Pss"]) * 1024 / 1e6, int(sizes["Rss"]) * 1024 / 1e6
