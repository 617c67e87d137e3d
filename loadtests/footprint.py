"""The footprint of an idle process of the service: seconds from its start until it is ready, and memory."""

import re
import time
from collections.abc import Iterator
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
    """Return PSS and RSS of a process in MB, PSS as if this process, which may run the same Python, were not there."""
    own = {mapping.file for mapping in _mappings("self") if mapping.file.startswith("/")}
    mappings = list(_mappings(pid))
    pss = sum(mapping.without_one() if mapping.file in own else mapping.pss for mapping in mappings)
    return pss * 1024 / 1e6, sum(mapping.rss for mapping in mappings) * 1024 / 1e6


class _Mapping(NamedTuple):
    """A part of a process's memory, in KiB."""

    file: str
    """Its path, or what the kernel calls the part, or nothing."""
    rss: int
    pss: int
    private: int
    """What no other process has of it."""

    def without_one(self) -> float:
        """Return what its PSS were if one process fewer had it: each of its shared pages is taken to have as many."""
        shared = self.rss - self.private
        if not (share := self.pss - self.private):
            return self.pss
        return self.private + shared / max(shared / share - 1, 1)


def _mappings(pid: int | str) -> Iterator[_Mapping]:
    smaps = Path(f"/proc/{pid}/smaps").read_text()
    for which, sizes in re.findall(r"^[0-9a-f]+-[0-9a-f]+ (.*)\n((?:\w+: .*\n)+)", smaps, re.MULTILINE):
        kib = {name: int(size) for name, size in re.findall(r"^(\w+): +(\d+) kB$", sizes, re.MULTILINE)}
        file = "".join(which.split(maxsplit=4)[4:])
        yield _Mapping(file, kib["Rss"], kib["Pss"], kib["Private_Clean"] + kib["Private_Dirty"])
