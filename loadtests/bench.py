"""``python -m loadtests.bench``: the cost of each kind of request, as a multiple of the cost of aiohttp itself (E).

CPU µs of the server process per request, user + system, E and Mintmark in turns. See README.md here.
"""

import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
import uvloop
from rich.table import Table

from loadtests import interpreter, machine, report, servers
from loadtests.generator import require_wrk, spare_for
from loadtests.report import LIMITED_AT, Row
from loadtests.rounds import Contender, Pace, Round, margin, middle, ratio, take_one, take_turns
from loadtests.servers import Server
from loadtests.supplies import Supplier, supplier
from loadtests.work import WORKS, Work, empty
from service.crypto.passwords import Hashing
from service.settings import load

PACES = {LIMITED_AT: Pace(6_000, 9), 1: Pace(1_500, 4), 8: Pace(6_000, 3), 256: Pace(15_000, 2)}
"""In the order in which they are measured."""
WITHOUT_LIMIT = 4
"""The most rounds for what has no limit."""
SHORT = {LIMITED_AT: Pace(8_000, 3)}
WARM_UP = 1_500
ARGON2_CHECKS = 5
BUDGET_SECONDS = 130.0
"""When it is used up, what has no limit gets one round each: a slow machine gets a rougher table, not a much later one."""
CLUSTER_LIMIT = 1.35


@dataclass(frozen=True, slots=True)
class Scene:
    """The servers: E, Mintmark, the same behind a proxy, and the supplier of codes and tokens for them."""

    empty: Server
    mintmark: Server
    proxied: Server
    supplier: Supplier


def main(
    short: Annotated[bool, typer.Option("--short", help="The hot paths at 64 connections, in a minute.")] = False,
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(WORKS)}. May be repeated.")] = None,
    connections: Annotated[
        list[int] | None, typer.Option(help="64, 1, 8 and 256 unless said. May be repeated.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Worker processes of Mintmark, and of E.")] = 1,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="Compare a 3-primary Cluster with one Redis instead.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Write the figures here.")] = None,
    against: Annotated[Path | None, typer.Option(help="Show the change from this earlier --json file.")] = None,
    python: interpreter.Named = None,
) -> None:
    """Measure, print, and end with 1 if any response was wrong."""
    earlier = report.read_earlier(against) if against else None
    works = _chosen(only, short=short)
    paces = _paces(connections, short=short)
    require_wrk()
    interpreter.choose(python)
    if cluster:
        sys.exit(uvloop.run(_compare_cluster(works, paces, json)))
    sys.exit(uvloop.run(_bench(works, paces, workers, json, earlier)))


def _chosen(only: list[str] | None, *, short: bool) -> list[Work]:
    unknown = sorted(set(only or ()) - set(WORKS))
    if unknown:
        raise typer.BadParameter(f"there is no work called {', '.join(unknown)}: {', '.join(WORKS)}")
    return [work for name, work in WORKS.items() if (name in only if only else work.hot or not short)]


def _paces(connections: list[int] | None, *, short: bool) -> dict[int, Pace]:
    known = SHORT if short else PACES
    if not connections:
        return known
    return {number: known.get(number, Pace(10_000, 3)) for number in connections}


# the table


async def _bench(works: list[Work], paces: dict[int, Pace], workers: int, json: Path | None, earlier: Any) -> int:
    """Measure every work at every number of connections, and return the exit code."""
    deadline = time.monotonic() + BUDGET_SECONDS
    busy, rows = machine.Busy(), []
    with servers.redis_server() as redis:
        facts = machine.facts(redis)
        async with _scene(redis, workers) as scene:
            for connections, pace in paces.items():
                rows += [await _measure_work(scene, work, connections, pace, deadline) for work in works]
    order = list(WORKS)
    rows.sort(key=lambda row: (order.index(row.work), row.connections))
    at_default = await _argon2_default()
    report.console().print(report.table(rows, earlier))
    notes = [
        *_argon2_note(rows, at_default),
        f"E: an aiohttp handler that answers a constant. The machine was {100 * busy.share():.0f} % busy.",
        machine.summary(facts),
    ]
    _report(notes, rows)
    if json:
        report.write(json, facts, rows, workers=workers, argon2_default_us=at_default)
    return 1 if report.wrong_answers(rows) else 0


@asynccontextmanager
async def _scene(redis: Any, workers: int) -> AsyncIterator[Scene]:
    async with (
        supplier(redis) as supplies,
        servers.empty_handler(workers) as empty_handler,
        servers.mintmark(redis, workers) as mintmark,
        servers.mintmark(redis, workers, **servers.PROXIED) as proxied,
    ):
        yield Scene(empty_handler, mintmark, proxied, supplies)


async def _measure_work(scene: Scene, work: Work, connections: int, pace: Pace, deadline: float) -> Row:
    if connections != LIMITED_AT or work.limits.times_empty is None:
        pace = pace._replace(rounds=min(pace.rounds, WITHOUT_LIMIT) if time.monotonic() < deadline else 1)
    await _warm_up(scene, work)
    row = await _measure(scene, work, connections, pace)
    print(f"  {work.name} at {connections}: {row.times_empty:.2f} × E", file=sys.stderr, flush=True)
    return row


async def _warm_up(scene: Scene, work: Work) -> None:
    """Send this kind of request to both servers, so that their first-time work is not counted."""
    for contender in await _contenders(scene, work, WARM_UP + spare_for(LIMITED_AT)):
        await take_one(contender, LIMITED_AT, WARM_UP)


async def _measure(scene: Scene, work: Work, connections: int, pace: Pace) -> Row:
    of_e, of_ours = await _contenders(scene, work, pace.rounds * (pace.requests + spare_for(connections)))
    of_e = of_e._replace(requests=2 * pace.requests)  # so that a round of E lasts about as long, and varies no more
    of_empty, of_mintmark = await take_turns((of_e, of_ours), connections, pace)
    return _row(work, connections, of_empty, of_mintmark)


async def _contenders(scene: Scene, work: Work, count: int) -> tuple[Contender, Contender]:
    return (
        Contender(scene.empty, await empty(scene.supplier)),
        Contender(
            scene.proxied if work.proxied else scene.mintmark, await work.orders(scene.supplier, count), work.apart
        ),
    )


def _row(work: Work, connections: int, of_empty: Sequence[Round], of_mintmark: Sequence[Round]) -> Row:
    figures = ("rate", "p50", "p99", "server", "threads")
    at_limit = connections == LIMITED_AT
    everything = [*of_empty, *of_mintmark]
    return Row(
        work=work.name,
        title=work.title,
        connections=connections,
        empty=middle(of_empty, "server"),
        redis=middle(of_mintmark, "store"),
        times_empty=ratio(of_mintmark, of_empty),
        margin=margin(of_mintmark, of_empty),
        limit=work.limits.times_empty if at_limit else None,
        redis_limit=work.limits.redis if at_limit else None,
        wrong=sum(each.wrong for each in everything),
        example=next((each.example for each in everything if each.example), ""),
        **{figure: middle(of_mintmark, figure) for figure in figures},
    )


async def _argon2_default() -> float:
    """Return the CPU µs of one password check at the default cost; its threads count as this process."""
    hashing = Hashing(load())
    hashed = await hashing.hash("password")
    before = time.process_time_ns()
    for _ in range(ARGON2_CHECKS):
        await hashing.verify("password", hashed)
    hashing.close()
    return (time.process_time_ns() - before) / ARGON2_CHECKS / 1000


def _argon2_note(rows: Sequence[Row], at_default: float) -> list[str]:
    threads = [row.threads for row in rows if row.threads]
    if not threads:
        return []
    return [
        f"password: the table has the event loop; argon2's threads took {median(threads):.0f} µs a request at the bench's "
        f"cheap cost. At the cost that ships a check takes {at_default:,.0f} µs."
    ]


def _report(notes: list[str], rows: Sequence[Row]) -> None:
    for note in notes:
        report.console().print(note, markup=False, highlight=False)
    for line in report.wrong_answers(rows):
        report.console().print(line, style="bold red", markup=False)


# one Redis compared with a Cluster


async def _compare_cluster(works: list[Work], paces: dict[int, Pace], json: Path | None) -> int:
    """Compare Mintmark on one Redis and on three primaries, in turns, and return the exit code."""
    rows: list[dict[str, Any]] = []
    with servers.redis_server() as one, servers.redis_cluster() as three:
        facts = machine.facts(one)
        async with _scene(one, 1) as alone, _scene(three, 1) as clustered:
            for work in works:
                if work.hot and work.limits.times_empty is not None:
                    await _warm_up(alone, work)
                    await _warm_up(clustered, work)
                    rows.append(
                        await _against_cluster(alone, clustered, work, paces.get(LIMITED_AT, SHORT[LIMITED_AT]))
                    )
    report.console().print(_cluster_table(rows))
    report.console().print(machine.summary(facts), highlight=False)
    if json:
        report.write(json, facts, [], cluster=rows)
    return 1 if any(row["wrong"] for row in rows) else 0


async def _against_cluster(alone: Scene, clustered: Scene, work: Work, pace: Pace) -> dict[str, Any]:
    count = pace.rounds * (pace.requests + spare_for(LIMITED_AT))
    contenders = [(await _contenders(scene, work, count))[1] for scene in (alone, clustered)]
    on_one, on_three = await take_turns(contenders, LIMITED_AT, pace)
    return {
        "work": work.title,
        "alone": middle(on_one, "server"),
        "cluster": middle(on_three, "server"),
        "ratio": ratio(on_three, on_one),
        "redis_alone": middle(on_one, "store"),
        "redis_cluster": middle(on_three, "store"),
        "wrong": sum(each.wrong for each in (*on_one, *on_three)),
    }


def _cluster_table(rows: list[dict[str, Any]]) -> Any:
    shown = Table(
        title=f"A Cluster of three primaries beside one Redis, {LIMITED_AT} connections", title_justify="left"
    )
    shown.add_column("work", no_wrap=True)
    for name in ("one: server µs", "Redis µs", "Cluster: server µs", "Redis µs", "ratio", "limit", "wrong"):
        shown.add_column(name, justify="right")
    for row in rows:
        figures = (row["alone"], row["redis_alone"], row["cluster"], row["redis_cluster"])
        marked = report.limited(row["ratio"], CLUSTER_LIMIT)
        shown.add_row(
            row["work"], *(f"{figure:.1f}" for figure in figures), f"{row['ratio']:.2f}", marked, str(row["wrong"])
        )
    return shown


if __name__ == "__main__":
    typer.run(main)
