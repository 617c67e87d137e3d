"""``python -m loadtests.instructions``: CPU instructions per request of the server and of its Redis, counted by callgrind.

Counts hardly depend on what else the machine does, so a change of two percent shows on any machine. See README.md here.
"""

import asyncio
import json as json_format
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import uvloop
from rich.table import Table

from loadtests import interpreter, machine, report, servers
from loadtests.generator import Orders, raw_requests
from loadtests.servers import Server
from loadtests.supplies import Supplier, supplier
from loadtests.work import WORKS, empty
from service.dev.embedded_redis import SERVER_VARIABLE

COMMITTED = Path(__file__).with_suffix(".json")
"""The figures that ``--check`` compares with."""
RENEW = f"python -m loadtests.instructions --json {COMMITTED.parent.name}/{COMMITTED.name}"
COUNTED = (
    "client_credentials",
    "private_key_jwt",
    "dpop",
    "jwt_es256",
    "introspect_active",
    "introspect_bound",
    "redeem",
    "redeem_es256",
    "refresh",
    "revoke",
    "push",
    "exchange",
    "device_poll",
)
"""Works without threads. callgrind counts threads, too, but when they run is not deterministic."""
WARM_UP = 60
"""Requests after which the interpreter has specialised its code and caches are filled."""
REQUESTS, REQUESTS_OF_EMPTY = 240, 600
"""Counted requests. The empty handler needs more, as Python's default settings collect its garbage in bursts."""
IDLE_SECONDS = 3.0
GROWTH, GROWTH_ELSEWHERE = 0.05, 0.15
"""The growth of a count that ``--check`` allows, and of × E where Python or a library differs from that of the figures."""
REDIS_MAY_VARY = 6_000
"""Instructions of Redis per request within which equal code may differ: 2,600 on a busy machine. Any script has 60,000."""
NOT_BY_THE_CLOCK = {"activerehashing": "no", "hz": "1"}
"""Settings of Redis: by the others it grows its tables for a millisecond of each hundred, whatever it is asked meanwhile."""
VALGRIND = ("valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null")
REPRODUCIBLE = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""}
"""Environment of the servers. They may write bytecode, as compiling every module under valgrind takes a minute a start."""


class WrongAnswerError(RuntimeError):
    """A response of a server was wrong."""


class Figures(msgspec.Struct, frozen=True):
    """The figures of one run."""

    interpreter: str
    """The Python that served: its version, compiler and optimisation, and the processor's architecture."""
    libraries: dict[str, str]
    empty: float
    """Instructions of the empty handler."""
    works: dict[str, float]
    """Instructions of the server per request by the name of the work."""
    redis_version: str = ""
    redis: dict[str, float] = {}
    """The same of Redis."""

    def change_from(self, earlier: "Figures", work: str) -> float | None:
        """Return the server's growth as a share of its instructions, or of × E on another build; None if the work is new."""
        if not (work in self.works and work in earlier.works):
            return None
        growth = self.works[work] / earlier.works[work]
        return (growth if self.is_comparable(earlier) else growth * earlier.empty / self.empty) - 1

    def change_of_redis(self, earlier: "Figures", work: str) -> float | None:
        """Return the growth of what Redis does for a work; None where it is new, or Redis another one."""
        if self.redis_version != earlier.redis_version or not (work in self.redis and work in earlier.redis):
            return None
        return self.redis[work] / earlier.redis[work] - 1

    def redis_has_grown(self, earlier: "Figures", work: str) -> bool:
        """Whether Redis does more for a work than what equal code varies by."""
        change = self.change_of_redis(earlier, work) or 0.0
        return change > GROWTH and self.redis[work] - earlier.redis[work] > REDIS_MAY_VARY

    def is_comparable(self, earlier: "Figures") -> bool:
        """Whether equal code of the server has equal counts in both runs."""
        return self.interpreter == earlier.interpreter and self.libraries == earlier.libraries


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(COUNTED)}. May be repeated.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures here.")] = None,
    against: Annotated[Path | None, typer.Option(help="Show the change from this earlier --json file.")] = None,
    check: Annotated[bool, typer.Option("--check", help=f"Fail where a work grew against {COMMITTED.name}.")] = False,
    python: interpreter.Named = None,
) -> None:
    """Count, print, and end with 1 if a response was wrong or, with --check, a work has grown."""
    if shutil.which("vgdb") is None:
        sys.exit("valgrind is not installed: apt-get install valgrind, dnf install valgrind")
    compared = COMMITTED if check else against
    earlier = read(compared) if compared else None
    if unknown := sorted(set(only or ()) - set(COUNTED)):
        raise typer.BadParameter(f"not counted: {', '.join(unknown)}")
    interpreter.choose(python)
    os.environ |= REPRODUCIBLE
    # Tables of a Valkey grow in few large steps, so that its count varies by a seventh.
    if installed := shutil.which("redis-server"):
        os.environ.setdefault(SERVER_VARIABLE, installed)
    try:
        figures = uvloop.run(_count_all(only or list(COUNTED)))
    except WrongAnswerError as error:
        sys.exit(str(error))
    report.console().print(_table(figures, earlier))
    if json:
        json.write_text(json_format.dumps(msgspec.to_builtins(figures), indent=2) + "\n")
    if check and earlier is not None and (grown := complaints(figures, earlier)):
        sys.exit("\n".join(grown))


# counting


async def _count_all(works: list[str]) -> Figures:
    with servers.redis_server(under=VALGRIND) as redis:
        for name, value in NOT_BY_THE_CLOCK.items():
            redis.nodes[0].admin.config_set(name, value)
        async with (
            supplier(redis) as supplies,
            servers.empty_handler(under=VALGRIND) as empty_handler,
            servers.mintmark(redis, under=VALGRIND) as mintmark,
        ):
            for pid in (empty_handler.pid, *mintmark.pids):
                await _vgdb(pid, "instrumentation", "on")
            (of_empty,) = await _count(empty_handler, await empty(supplies), REQUESTS_OF_EMPTY, idle=[0.0])
            idle = await asyncio.gather(*map(_idle, mintmark.pids))
            counted = {name: await _count_work(mintmark, supplies, name, idle) for name in works}
        redis_version = machine.redis_version(redis)
    of_server, of_redis = ({name: counts[place] for name, counts in counted.items()} for place in (0, 1))
    return Figures(str(interpreter.serving()), interpreter.libraries(), of_empty, of_server, redis_version, of_redis)


async def _count_work(mintmark: Server, supplies: Supplier, name: str, idle: list[float]) -> list[float]:
    orders = await WORKS[name].orders(supplies, WARM_UP + REQUESTS)
    counted = await _count(mintmark, orders, REQUESTS, idle)
    print(f"  {name}: {counted[0]:,.0f} + {counted[1]:,.0f}", file=sys.stderr, flush=True)
    return counted


async def _count(server: Server, orders: Orders, number: int, idle: list[float]) -> list[float]:
    """Return the instructions per request of a server and of its store, without those of their timers.

    One connection sends the requests one after the other. With several, the number of requests that share a write to Redis
    would depend on chance.
    """
    requests, patterns = list(raw_requests(server.url, orders)), [re.compile(as_regex(one)) for one in orders.patterns]
    host, _, port = server.url.partition("://")[2].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    async def ask(numbers: range) -> None:
        for one in numbers:
            writer.write(requests[one % len(requests)])
            status, body = await _answer(reader)
            if status != orders.status or not all(pattern.search(body) for pattern in patterns):
                raise WrongAnswerError(f"{server.name} answered {orders.path} with {status} {body}")

    await ask(range(WARM_UP))
    before, began = [await _instructions(pid) for pid in server.pids], time.monotonic()
    await ask(range(WARM_UP, WARM_UP + number))
    seconds = time.monotonic() - began
    after = [await _instructions(pid) for pid in server.pids]
    writer.close()
    return [(end - begin - rate * seconds) / number for begin, end, rate in zip(before, after, idle, strict=True)]


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    """Return status and body of the next response, which must have a Content-Length."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"(?i)\r\ncontent-length: (\d+)", head)
    return int(head.split()[1]), (await reader.readexactly(int(length[1]) if length else 0)).decode()


async def _idle(pid: int) -> float:
    """Return the instructions per second of an idle server, which are those of its timers."""
    before, began = await _instructions(pid), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    return (await _instructions(pid) - before) / (time.monotonic() - began)


async def _instructions(pid: int) -> int:
    """Return the instructions so far, of all threads."""
    status = await _vgdb(pid, "status", "internal")
    return sum(map(int, re.findall(r"^events-\d+: (\d+)$", status, re.MULTILINE)))


async def _vgdb(pid: int, *command: str) -> str:
    """Send a command to the valgrind of this process, and return its output."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec("vgdb", f"--pid={pid}", *command, stdout=pipe, stderr=pipe)
    out, complaint = await child.communicate()
    if child.returncode != 0:
        raise RuntimeError(f"vgdb {' '.join(command)} ended with {child.returncode}: {complaint.decode()}")
    return out.decode()


def as_regex(pattern: str) -> str:
    """Return a Lua pattern of the works as a regular expression."""
    return re.sub(r"%(.)", r"\\\1", pattern)


# figures


def read(path: Path) -> Figures:
    """Return the figures of an earlier run. Raises OSError, msgspec.DecodeError."""
    return msgspec.json.decode(path.read_bytes(), type=Figures)


def complaints(now: Figures, earlier: Figures) -> list[str]:
    """Return a line for each work that has grown, with which ``--check`` fails."""
    bound = GROWTH
    if not now.is_comparable(earlier):
        bound = GROWTH_ELSEWHERE
        print(f"The committed figures are of Python {earlier.interpreter} {earlier.libraries},")
        print(f"these of {now.interpreter} {now.libraries}:")
        print(f"only × E is compared, and only growth by more than {bound:.0%} fails.")
    grown = {work: change for work in now.works if (change := now.change_from(earlier, work)) is not None}
    lines = [f"{work} needs {change:+.1%} instructions." for work, change in grown.items() if change > bound]
    lines += [
        f"{work}: {now.change_of_redis(earlier, work):+.1%} instructions of Redis."
        for work in now.redis
        if now.redis_has_grown(earlier, work)
    ]
    if lines:
        lines.append(f"Where the growth is worth it, renew the figures and say in the commit why: {RENEW}")
    elif any(change < -bound for change in grown.values()):
        print(f"Works have become cheaper. Hold that: {RENEW}")
    return lines


def _table(figures: Figures, earlier: Figures | None) -> Table:
    shown = Table(title=f"CPU instructions per request, Python {figures.interpreter}", title_justify="left")
    shown.add_column("work", no_wrap=True)
    compared = ("before", "change") if earlier else ()
    for name in ("server", "× E", *compared, "Redis", *compared):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_row("an empty aiohttp handler (E)", f"{figures.empty:,.0f}", "1.00")
    for work, counted in figures.works.items():
        cells, of_redis = [f"{counted:,.0f}", f"{counted / figures.empty:.2f}"], [f"{figures.redis[work]:,.0f}"]
        if earlier:
            cells += _compared(earlier.works.get(work), figures.change_from(earlier, work))
            of_redis += _compared(earlier.redis.get(work), figures.change_of_redis(earlier, work))
        shown.add_row(WORKS[work].title, *cells, *of_redis)
    return shown


def _compared(before: float | None, change: float | None) -> tuple[str, str]:
    return ("new" if before is None else f"{before:,.0f}"), ("" if change is None else f"{change:+.1%}")


if __name__ == "__main__":
    typer.run(main)
