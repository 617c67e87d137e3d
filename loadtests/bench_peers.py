"""``python -m loadtests.bench_peers``: a comparison of Mintmark with other servers, on the same work, machine and generator.

Each server is one process with the features that the work needs. The figures are CPU µs of server and store per request,
measured in turns. A peer that is not installed is left out, with a hint what to install. See README.md here.
"""

import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
import uvloop

from loadtests import interpreter, machine, peer_report, servers
from loadtests.generator import require_wrk, spare_for
from loadtests.peer_report import Figures, Row, Run
from loadtests.peers import PEERS
from loadtests.peers.peer import REPEATED, Peer, RunningPeer
from loadtests.peers.works import PEER_WORKS
from loadtests.report import LIMITED_AT
from loadtests.rounds import Contender, Pace, Round, middle, ratio, take_turns
from loadtests.servers import Server, ServerFailedError
from loadtests.supplies import Supplier, supplier
from loadtests.work import WORKS

PACE = Pace(4_000, 5)
"""The pace of Mintmark. Each peer has its own number of requests a round, as some would take minutes for this one."""
WARM_UP = 5_000


class Scene(NamedTuple):
    """The running servers."""

    supplies: Supplier
    mintmark: Server
    running: dict[str, RunningPeer]


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(PEERS)}: with commas, or repeated.")] = None,
    work: Annotated[
        list[str] | None, typer.Option(help=f"Of {', '.join(PEER_WORKS)}: with commas, or repeated.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Put the table into this page, between its two marks.")] = None,
    earlier: Annotated[
        Path | None, typer.Option("--from", help="Measure nothing: tell of the run in this JSON.")
    ] = None,
    python: interpreter.Named = None,
) -> None:
    """Measure, print, and end with 1 if any response was wrong or a peer did not start."""
    names, works = _chosen(only, list(PEERS)), _chosen(work, list(PEER_WORKS))
    page = peer_report.read_page(markdown) if markdown else None
    run = peer_report.read(earlier) if earlier else _run(names, works, python)
    peer_report.show(run)
    if json:
        peer_report.write(json, run)
    if markdown and page:
        markdown.write_text(page.around(peer_report.as_markdown(run)))
    sys.exit(1 if run.failed else 0)


def _run(names: list[str], works: list[str], python: str | None) -> Run:
    require_wrk()
    interpreter.choose(python)
    return uvloop.run(_bench(names, works))


def _chosen(wished: list[str] | None, known: list[str]) -> list[str]:
    """Return the named ones in the order of the table, all where none was named."""
    named = {name for part in wished or () for name in part.split(",") if name}
    if unknown := sorted(named - set(known)):
        raise typer.BadParameter(f"there is no {', '.join(unknown)}: {', '.join(known)}")
    return [name for name in known if name in named] or known


async def _bench(names: list[str], works: list[str]) -> Run:
    if (task := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # so that all that was started ends
    left_out: dict[str, str] = {}
    rows: list[Row] = []
    failed = False
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(servers.redis_server())
        facts = machine.facts(redis)
        supplies = await stack.enter_async_context(supplier(redis))
        scene = Scene(supplies, await stack.enter_async_context(servers.mintmark(redis)), {})
        for peer in (PEERS[name] for name in names):
            if missing := peer.find_missing():
                left_out[peer.name] = missing
                continue
            _say(f"{peer.title} starts")
            try:
                scene.running[peer.name] = await stack.enter_async_context(peer.start(redis, supplies))
            except ServerFailedError as error:
                left_out[peer.name], failed = str(error), True
        for work in works:
            rows.append(await _measure(work, scene))
            _say(peer_report.in_brief(rows[-1]))
        versions = {name: dict(running.versions) for name, running in scene.running.items()}
    facts |= {"load_average_after": machine.load_average()}
    return Run(facts, versions, left_out, rows, failed or any(row.wrong for row in rows))


async def _measure(work: str, scene: Scene) -> Row:
    """Measure one kind of work on all servers in turns, after a warm-up of each."""
    peers = [PEERS[name] for name in scene.running if work not in PEERS[name].does_not]
    await _take_turns(work, scene, peers, Pace(WARM_UP, 1), {peer.name: peer.warm_up for peer in peers}, REPEATED)
    ours, *theirs = await _take_turns(work, scene, peers, PACE, {peer.name: peer.requests for peer in peers})
    everything = [ours, *theirs]
    return Row(
        work=work,
        title=WORKS[work].title,
        mintmark=_figures(ours, ours),
        peers={peer.name: _figures(rounds, ours) for peer, rounds in zip(peers, theirs, strict=True)},
        goal=WORKS[work].limits.times_peer,
        wrong=sum(each.wrong for rounds in everything for each in rounds),
        example=next((each.example for rounds in everything for each in rounds if each.example), ""),
    )


async def _take_turns(
    work: str, scene: Scene, peers: list[Peer], pace: Pace, requests: dict[str, int], repeated: int = 1
) -> list[list[Round]]:
    spare = spare_for(LIMITED_AT)
    orders = await WORKS[work].orders(scene.supplies, pace.rounds * (pace.requests + spare))
    contenders = [Contender(scene.mintmark, orders)]
    for peer in peers:
        running, count = scene.running[peer.name], requests[peer.name]
        orders = await PEER_WORKS[work](running, scene.supplies, pace.rounds * (count + spare))
        contenders.append(Contender(running.server, orders, requests=count if orders.once else count * repeated))
    return await take_turns(contenders, LIMITED_AT, pace)


def _figures(rounds: list[Round], ours: list[Round]) -> Figures:
    return Figures(
        server=middle(rounds, "server"),
        store=middle(rounds, "store"),
        rate=middle(rounds, "rate"),
        p99=middle(rounds, "p99"),
        times=ratio(rounds, ours),
        times_together=ratio(rounds, ours, "together"),
    )


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    typer.run(main)
