"""The machine of a measurement: versions, cores and load."""

import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests import cpu, interpreter
from service import __version__
from tests.redis_shapes import Shape


def facts(redis: Shape) -> dict[str, Any]:
    """Return versions, cores, date, and the load of the machine at the beginning."""
    libraries = interpreter.libraries()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "mintmark": __version__,
        "commit": _first_line("git", "describe", "--always", "--dirty"),
        "python": str(interpreter.serving()),
        "aiohttp": libraries["aiohttp"],
        "uvloop": libraries["uvloop"],
        "redis": redis_version(redis),
        "wrk": _wrk_version(),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "load_average": load_average(),
    }


def load_average() -> float:
    """Return the load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def summary(known: dict[str, Any]) -> str:
    """Return the facts on one line, to be printed below a table."""
    return (
        f"{known['date']} · commit {known['commit']} · {known['cores']} cores ({known['processor']}) · "
        f"served by Python {known['python']} · aiohttp {known['aiohttp']} · uvloop {known['uvloop']} · "
        f"{known['redis']} · wrk {known['wrk']}"
    )


class Busy:
    """The share of the machine's CPU that was used during a measurement."""

    def __init__(self) -> None:
        self._before = cpu.machine()

    def share(self) -> float:
        """Return the share (0 to 1) since this object was made."""
        now = cpu.machine()
        return (now.busy - self._before.busy) / max(now.total - self._before.total, 1)


def redis_version(redis: Shape) -> str:
    """Return name and version, ``Valkey 9.1.2``. What it calls ``redis_version`` is that of the Redis it is compatible with."""
    info = redis.primaries()[0].admin.info("server")
    return f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"


def _first_line(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    return (done.stdout or done.stderr).partition("\n")[0].strip()


def _wrk_version() -> str:
    found = re.search(r"(\d+\.\d+\.\d+)", _first_line("wrk", "-v"))
    return found[1] if found else ""


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()
