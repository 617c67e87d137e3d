"""``python -m loadtests.flame_graph``: a profile of the server under load, as a flame graph and as a list.

py-spy samples the running server from outside, some hundred times a second, with C frames where it can. See README.md here.
"""

import asyncio
import os
import shutil
import sys
from collections import Counter
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
import uvloop
from rich.markup import escape
from rich.table import Table

from loadtests import interpreter, report, servers
from loadtests.generator import Orders, drive, require_wrk, spare_for
from loadtests.report import LIMITED_AT
from loadtests.supplies import supplier
from loadtests.work import WORKS, Work

PICTURE, STACKS = Path("artifacts/profile.svg"), Path("artifacts/profile.txt")
RATE = 400
"""Samples per second."""
SHOWN = 30
FASTEST, SLACK_SECONDS, PART = 8_000, 4, 8_000
"""Credentials are made beforehand for so many requests per second, for so many seconds more than needed, and are used in
parts of that size.
"""
HINT = (
    "py-spy may not look at the server: run this as root, or allow it until the next boot with "
    "`sudo sysctl kernel.yama.ptrace_scope=0`; in a container it needs --cap-add SYS_PTRACE"
)


class ProfileFailedError(RuntimeError):
    """py-spy failed."""


class Line(NamedTuple):
    """A function's share of all samples (0 to 1): as the innermost frame, and anywhere in the stack."""

    function: str
    itself: float
    whole: float


def main(
    work: Annotated[str, typer.Option(help=f"One of {', '.join(WORKS)}.")] = "client_credentials",
    seconds: Annotated[int, typer.Option(help="How long to look, twice.", min=1, max=20)] = 5,
    native: Annotated[bool, typer.Option("--native", help="C frames too (uvloop, aiohttp's parser, hiredis).")] = False,
    python: interpreter.Named = None,
) -> None:
    """Profile, write artifacts/profile.svg and profile.txt, and print the functions with the most time."""
    require_wrk()
    interpreter.choose(python)
    try:
        uvloop.run(_profile(WORKS[work], seconds, native))
    except ProfileFailedError as error:
        sys.exit(str(error))
    report.console().print(_table(summed(STACKS.read_text()), WORKS[work]))
    report.console().print(
        f"{PICTURE}: the flame graph. {STACKS}: every stack with how often it was seen.", highlight=False
    )


async def _profile(work: Work, seconds: int, native: bool) -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    parts = (2 * seconds + SLACK_SECONDS) * FASTEST // PART
    with servers.redis_server() as redis:
        async with supplier(redis) as supplies, servers.mintmark(redis) as mintmark:
            orders = await work.orders(supplies, parts * (PART + spare_for(LIMITED_AT)))
            load = asyncio.create_task(_keep_busy(mintmark.url, orders, parts))
            await asyncio.sleep(1)
            await _look(mintmark.pid, seconds, "flamegraph", PICTURE, native)
            await _look(mintmark.pid, seconds, "raw", STACKS, native)
            if load.done():
                raise ProfileFailedError("the credentials ran out before the time was over: take fewer --seconds")
            load.cancel()
            with suppress(asyncio.CancelledError):
                await load


async def _keep_busy(url: str, orders: Orders, parts: int) -> None:
    """Send requests until cancelled, or until the single-use credentials are used up."""
    for number in count() if not orders.once else range(parts):
        await drive(url, orders.part(number, PART + spare_for(LIMITED_AT)), LIMITED_AT, PART)


async def _look(pid: int, seconds: int, form: str, out: Path, native: bool) -> None:
    """Run py-spy. Raises ProfileFailedError."""
    spy = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if spy is None:
        raise ProfileFailedError("py-spy is not installed: pip install py-spy")
    options = ["--pid", str(pid), "--duration", str(seconds), "--rate", str(RATE), "--format", form, "--function"]
    command = [spy, "record", *options, *(["--native"] if native else []), "--output", str(out)]
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    said = (await child.communicate())[0].decode(errors="replace")
    if child.returncode != 0:
        hint = f"\n{HINT}" if "ermission" in said else ""
        raise ProfileFailedError(f"py-spy ended with status {child.returncode}:\n{said[-2000:]}{hint}")


def summed(stacks: str) -> list[Line]:
    """Return the functions of ``frame;frame;frame count`` lines, those with the most samples of their own first."""
    itself: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, seen = line.rpartition(" ")
        frames = stack.split(";")
        itself[frames[-1]] += int(seen)
        for frame in set(frames):
            whole[frame] += int(seen)
    total = itself.total() or 1
    return [Line(function, seen / total, whole[function] / total) for function, seen in itself.most_common()]


def _table(lines: list[Line], work: Work) -> Table:
    shown = Table(title=f"Where the server's time goes: {work.title}, {LIMITED_AT} connections", title_justify="left")
    shown.add_column("itself", justify="right")
    shown.add_column("with what it calls", justify="right")
    shown.add_column("function", no_wrap=True)
    for line in lines[:SHOWN]:
        shown.add_row(f"{100 * line.itself:.1f} %", f"{100 * line.whole:.1f} %", escape(line.function))
    return shown


if __name__ == "__main__":
    typer.run(main)
