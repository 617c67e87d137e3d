"""``python -m loadtests.memory``: memory of a process, bytes of Redis per token and grant, and costs among millions of them.

The service's own functions make them, each grant of another user. Bytes are the growth of Redis' ``used_memory``, which has
the whole cost of a key (names, values, both hash tables, allocator rounding). ``used_memory_dataset``, which is shown, too,
leaves the hash tables out. See README.md here.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
import uvloop
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from loadtests import interpreter, machine, report, servers
from loadtests.filling import fill
from loadtests.footprint import PSS_MB, READY_SECONDS, Footprint, footprint
from loadtests.generator import Orders, require_wrk, spare_for
from loadtests.report import LIMITED_AT, limited
from loadtests.rounds import Contender, Pace, Round, middle, ratio, take_one, take_turns
from loadtests.servers import Server
from loadtests.supplies import REDIRECT_URI, VERIFIER, Supplier, in_bulk, supplier
from loadtests.work import ACTIVE, WORKS, introspection, refreshing
from service.grants import authorization_code
from service.protocol.request import Request
from service.protocol.requested import Requested
from service.tokens.authorization import Issued
from service.tokens.issuing import issue
from service.tokens.token_request import TokenRequest
from tests.redis_shapes import Shape

FEW = 1_000
PROCESSES = (1, 2)
PACE = Pace(4_000, 12)
NEEDED = (PACE.rounds + 1) * (PACE.requests + spare_for(LIMITED_AT))
"""The number of requests of a kind, with those of the warm-up."""
SAMPLE = 62_000
"""The number of tokens, spread over all grants, that are used to measure the cost of requests."""
BYTES_PER_TOKEN, BYTES_PER_GRANT, TIMES_AS_COSTLY = 290, 900, 1.1
CODES = 20_000
WARM_UP = 2_000
STILL_BYTES, STILL_TRIES, STILL_SECONDS = 50_000, 60, 2.0


class Used(NamedTuple):
    """The memory of Redis in bytes, from INFO memory, and the number of its keys."""

    memory: int
    dataset: int
    keys: int


class Weight(NamedTuple):
    """The bytes and the number of keys of one thing in Redis."""

    what: str
    number: int
    bytes: float
    dataset: float
    keys: float
    limit: float | None


class Populated(NamedTuple):
    """A server whose Redis has so many grants, and tokens spread over them."""

    server: Server
    supplier: Supplier
    sample: list[Issued]


def main(
    count: Annotated[
        int, typer.Option(help="So many client_credentials tokens, and so many users' grants.", min=10_000)
    ] = 1_000_000,
    cost: Annotated[bool, typer.Option(help="Compare the cost of requests too.")] = True,
    grants: Annotated[
        int,
        typer.Option(help="Among so many grants, if that is more: further ones are copies. Ten million take 10 GB."),
    ] = 0,
    json: Annotated[Path | None, typer.Option(help="Write the figures here.")] = None,
    python: interpreter.Named = None,
) -> None:
    """Measure, print, and end with 1 if any response was wrong."""
    require_wrk()
    interpreter.choose(python)
    sys.exit(uvloop.run(_measure(count, grants, cost, json)))


async def _measure(count: int, grants: int, cost: bool, json: Path | None) -> int:
    costs: list[dict[str, Any]] = []
    with servers.redis_server() as redis, servers.redis_server() as quiet:
        facts = machine.facts(redis)
        footprints = {workers: await footprint(redis, workers) for workers in PROCESSES}
        report.console().print(_footprint_table(footprints))
        weights = [await _weigh_redeemed()]
        async with supplier(redis) as supplies:
            more, sample = await _weigh_all(supplies, redis, count)
            weights = [*more, *weights]
            report.console().print(_weight_table(weights))
            if grants > count:
                sample = await _fill(redis, supplies, grants - count)
            if cost:
                async with _served(redis, supplies, sample) as among_many, _few(quiet) as among_few:
                    costs = await _compare(among_few, among_many)
                report.console().print(_cost_table(costs, max(count, grants)))
    report.console().print(machine.summary(facts), highlight=False)
    if json:
        processes = {workers: each._asdict() for workers, each in footprints.items()}
        weighed = [weight._asdict() for weight in weights]
        report.write(json, facts, [], count=count, grants=grants, weights=weighed, costs=costs, processes=processes)
    return 1 if any(row["wrong"] for row in costs) else 0


# bytes


async def _weigh_all(supplies: Supplier, redis: Shape, count: int) -> tuple[list[Weight], list[Issued]]:
    """Return the bytes of everything, and a sample of the grants' tokens."""
    sample: list[Issued] = []
    step = max(count // SAMPLE, 1)

    async def grant() -> None:
        issued = await supplies.issue_grant()
        if supplies.people % step == 0:
            sample.append(issued)

    async def token() -> None:
        await supplies.issue_alone()

    alone = await _weigh(redis, "client_credentials token", token, count, BYTES_PER_TOKEN)
    whole = await _weigh(redis, "user's grant: grant, access, refresh, index", grant, count, BYTES_PER_GRANT)
    return [alone, whole], sample


async def _weigh(
    redis: Shape, what: str, make: Callable[[], Awaitable[None]], count: int, limit: float | None
) -> Weight:
    before = await _used(redis)
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=count)
        await in_bulk(make, count, lambda done: progress.update(task, completed=done))
    return _weight(what, count, before, await _used(redis), limit)


def _weight(what: str, count: int, before: Used, after: Used, limit: float | None) -> Weight:
    each = [(late - early) / count for early, late in zip(before, after, strict=True)]
    return Weight(what, count, each[0], each[1], each[2], limit)


async def _fill(redis: Shape, supplies: Supplier, count: int) -> list[Issued]:
    """Add so many grants, and return a sample of them."""
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("further grants", total=count)
        return await fill(
            redis, supplies, count, min(SAMPLE, count), lambda done: progress.update(task, completed=done)
        )


async def _weigh_redeemed() -> Weight:
    """Measure a grant that began with a code, including the record by which a second use of the code is noticed."""
    with servers.redis_server() as redis:
        async with supplier(redis) as supplies:
            before = await _used(redis)
            for code in await supplies.codes(CODES):
                request = Request({"code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER})
                token_request = TokenRequest(request, supplies.client, Requested.of(request), [])
                allowed = await authorization_code.authorize(supplies.issuer, token_request)
                await issue(supplies.issuer, supplies.client, allowed)
            return _weight(
                "the same by a code, with the mark of the spent code", CODES, before, await _used(redis), None
            )


async def _used(redis: Shape) -> Used:
    """Return the memory when it is stable, as Redis' hash tables grow in steps, and have both sizes meanwhile.

    Redis makes some of these steps per second while it is idle. With the usual ten a table of millions keeps both sizes for
    half a minute, and would look stable.
    """
    admin, last = redis.primaries()[0].admin, -1
    admin.config_set("hz", 500)
    for _ in range(STILL_TRIES):
        info = admin.info("memory")
        if abs(info["used_memory"] - last) < STILL_BYTES:
            break
        last = info["used_memory"]
        await asyncio.sleep(STILL_SECONDS)
    admin.config_set("hz", 10)
    return Used(info["used_memory"], info["used_memory_dataset"], admin.dbsize())


# the cost of a request


@asynccontextmanager
async def _served(redis: Shape, supplies: Supplier, sample: list[Issued]) -> AsyncIterator[Populated]:
    async with servers.mintmark(redis) as mintmark:
        yield Populated(mintmark, supplies, sample)


@asynccontextmanager
async def _few(redis: Shape) -> AsyncIterator[Populated]:
    """Serve with a thousand grants, and those that the measurement itself makes."""
    async with supplier(redis) as supplies:
        sample = await supplies.grants(FEW)
        async with _served(redis, supplies, sample) as populated:
            yield populated


async def _compare(among_few: Populated, among_many: Populated) -> list[dict[str, Any]]:
    """Measure each kind of work on both, in turns."""
    costs = []
    for name, orders in COMPARED.items():
        contenders = [Contender(each.server, await orders(each)) for each in (among_few, among_many)]
        for contender in contenders:
            await take_one(contender, LIMITED_AT, WARM_UP, number=PACE.rounds)
        few, many = await take_turns(contenders, LIMITED_AT, PACE)
        costs.append(_cost(name, few, many))
    return costs


def _cost(name: str, few: list[Round], many: list[Round]) -> dict[str, Any]:
    return {
        "work": WORKS[name].title,
        "few": {figure: middle(few, figure) for figure in ("server", "store")},
        "many": {figure: middle(many, figure) for figure in ("server", "store")},
        "ratio": ratio(many, few, "together"),
        "ratio_server": ratio(many, few),
        "wrong": sum(each.wrong for each in (*few, *many)),
    }


async def _client_credentials(among: Populated) -> Orders:
    return await WORKS["client_credentials"].orders(among.supplier, 0)


async def _introspect(among: Populated) -> Orders:
    """Introspect tokens that are spread over all, others in each round: Redis finds none of them in the processor's caches."""
    tokens = [issued.access_token for issued in random.choices(among.sample, k=NEEDED)]
    return replace(introspection(among.supplier, tokens, ACTIVE), once=True)


async def _refresh(among: Populated) -> Orders:
    issued = among.sample if len(among.sample) >= NEEDED else await among.supplier.grants(NEEDED)
    return refreshing(among.supplier, [each.refresh_token for each in random.sample(issued, NEEDED)])


COMPARED = {"client_credentials": _client_credentials, "introspect_active": _introspect, "refresh": _refresh}


# telling


def _weight_table(weights: list[Weight]) -> Table:
    shown = Table(title="Bytes of Redis for each", title_justify="left")
    shown.add_column("what", no_wrap=True)
    for name in ("how many", "bytes", "goal", "of them dataset", "keys"):
        shown.add_column(name, justify="right")
    for weight in weights:
        goal = limited(weight.bytes, weight.limit)
        shown.add_row(
            weight.what,
            f"{weight.number:,}",
            f"{weight.bytes:.0f}",
            goal,
            f"{weight.dataset:.0f}",
            f"{weight.keys:.1f}",
        )
    return shown


def _footprint_table(footprints: dict[int, Footprint]) -> Table:
    shown = Table(title="A process that serves", title_justify="left")
    for name in ("processes", "start to ready, s", "goal", "PSS of one, MB", "goal", "RSS of one, MB"):
        shown.add_column(name, justify="right", no_wrap=True)
    for workers, each in footprints.items():
        ready, pss = limited(each.ready_seconds, READY_SECONDS), limited(each.pss, PSS_MB)
        figures = (f"{each.ready_seconds:.2f}", ready, f"{each.pss:.0f}", pss, f"{each.rss:.0f}")
        shown.add_row(str(workers), *figures)
    return shown


def _cost_table(costs: list[dict[str, Any]], count: int) -> Table:
    title = f"CPU µs per request: server + Redis, {LIMITED_AT} connections"
    shown = Table(title=title, title_justify="left")
    shown.add_column("work", no_wrap=True)
    for name in (f"among {FEW:,}", f"among {count:,}", "ratio", "goal", "ratio of the server alone"):
        shown.add_column(name, justify="right", no_wrap=True)
    for row in costs:
        few, many = (f"{row[side]['server']:.1f} + {row[side]['store']:.1f}" for side in ("few", "many"))
        goal = limited(row["ratio"], TIMES_AS_COSTLY)
        shown.add_row(row["work"], few, many, f"{row['ratio']:.2f}", goal, f"{row['ratio_server']:.2f}")
    return shown


if __name__ == "__main__":
    typer.run(main)
