"""CPU time of running processes (user + system) in nanoseconds, read from outside (Linux)."""

import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_PROCESS_CLOCK = 2
"""clock_getcpuclockid(3): the clock of process ``p`` is ``~p << 3 | 2``. It counts what utime + stime of
/proc/PID/stat count, threads that have ended included, in nanoseconds where those have ticks of 10 ms.
"""


class Machine(NamedTuple):
    """CPU time of everything on this machine since boot, in clock ticks."""

    busy: int
    total: int


def nanoseconds(*pids: int) -> int:
    """Return the CPU time of these processes and their running descendants. Raises ProcessLookupError where one has ended."""
    return sum(_own(pid) + sum(_own_or_nothing(child) for child in descendants(pid)) for pid in pids)


def main_thread_nanoseconds(*pids: int) -> int:
    """Return the CPU time of the first threads, which run the event loops, of these processes and their descendants."""
    return sum(_first_thread(each) for pid in pids for each in (pid, *descendants(pid)))


def descendants(pid: int) -> list[int]:
    """Return the children of a process, their children, and so on."""
    found: list[int] = []
    for thread in _threads(pid):
        with suppress(OSError):
            found += map(int, (thread / "children").read_text().split())
    return found + [grandchild for child in found for grandchild in descendants(child)]


def machine() -> Machine:
    """Read the first line of /proc/stat."""
    ticks = [int(part) for part in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    return Machine(sum(ticks) - ticks[3] - ticks[4], sum(ticks))


def _own(pid: int) -> int:
    try:
        return time.clock_gettime_ns(~pid << 3 | _PROCESS_CLOCK)
    except OSError as error:
        raise ProcessLookupError(f"process {pid} is not there any more") from error


def _own_or_nothing(pid: int) -> int:
    with suppress(ProcessLookupError):
        return _own(pid)
    return 0


def _first_thread(pid: int) -> int:
    """Return the first field of schedstat, the nanoseconds on a CPU."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0])


def _threads(pid: int) -> list[Path]:
    with suppress(OSError):
        return list(Path(f"/proc/{pid}/task").iterdir())
    return []
