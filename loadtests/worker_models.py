"""``python -m loadtests.worker_models``: a comparison of SO_REUSEPORT and gunicorn's aiohttp worker, with the empty handler.

With SO_REUSEPORT each process listens and the kernel distributes connections (as ``mintmark serve --workers``). With gunicorn
all processes accept from one socket that it opened before it forked. They are measured in turns.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import uvloop
from rich.table import Table

from loadtests import machine, report, servers
from loadtests.generator import require_wrk
from loadtests.rounds import Contender, Pace, middle, ratio, take_turns
from loadtests.servers import Server
from loadtests.supplies import supplier
from loadtests.work import empty
from tests.server_process import free_port

PACE = Pace(20_000, 6)
CONNECTIONS_EACH = 64
WORKERS = (1, 2)
_TO_GUNICORN = ("--worker-class", "aiohttp.GunicornUVLoopWebWorker", "--backlog", "1024", "--log-level", "warning")


@asynccontextmanager
async def gunicorn(workers: int) -> AsyncIterator[Server]:
    """Run the empty handler under gunicorn."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        *_TO_GUNICORN,
        "--workers",
        str(workers),
        "--bind",
        f"127.0.0.1:{port}",
    ]
    url = f"http://127.0.0.1:{port}"
    async with servers.process([*command, "loadtests.empty_handler:application"], {}, url, "/token") as pid:
        yield Server("gunicorn", url, pid)


async def main() -> None:
    """Measure and print."""
    shown = Table(title="CPU µs per request of an empty aiohttp handler", title_justify="left")
    for name in ("workers", "SO_REUSEPORT", "gunicorn", "gunicorn ÷ SO_REUSEPORT", "wrong"):
        shown.add_column(name, justify="right")
    with servers.redis_server() as redis:
        async with supplier(redis) as supplies, AsyncExitStack() as running:
            for workers in WORKERS:
                ways = (servers.empty_handler(workers), gunicorn(workers))
                contenders = [Contender(await running.enter_async_context(way), await empty(supplies)) for way in ways]
                await take_turns(contenders, CONNECTIONS_EACH * workers, Pace(PACE.requests, 1))
                shared, forked = await take_turns(contenders, CONNECTIONS_EACH * workers, PACE)
                figures = (middle(shared, "server"), middle(forked, "server"), ratio(forked, shared))
                wrong = sum(each.wrong for each in (*shared, *forked))
                shown.add_row(str(workers), *(f"{figure:.2f}" for figure in figures), str(wrong))
        report.console().print(shown)
        report.console().print(machine.summary(machine.facts(redis)), highlight=False)


if __name__ == "__main__":
    require_wrk()
    uvloop.run(main())
