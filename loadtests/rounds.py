"""Measuring in turns: E, Mintmark, E, Mintmark …, so that what else happens on the machine happens to all of them."""

import asyncio
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from loadtests import cpu
from loadtests.generator import Orders, drive, spare_for
from loadtests.servers import Server

SETTLE_SECONDS = 0.02


class Contender(NamedTuple):
    """A server and what it is asked. ``apart``: only its event loop's thread counts; ``requests``: of a round, where the
    pace of the others would take it too long.
    """

    server: Server
    orders: Orders
    apart: bool = False
    requests: int | None = None


class Round(NamedTuple):
    """One run. ``server`` and ``store``: CPU µs per request, of it and of what it keeps things in; ``threads``: those beside
    the event loop, where apart; ``p50`` and ``p99``: milliseconds.
    """

    rate: float
    p50: float
    p99: float
    server: float
    store: float
    threads: float
    requests: int
    wrong: int
    example: str

    @property
    def together(self) -> float:
        """CPU µs per request of server and store."""
        return self.server + self.store


class Pace(NamedTuple):
    """How long to look: so many requests, so many times."""

    requests: int
    rounds: int


async def take_turns(contenders: Sequence[Contender], connections: int, pace: Pace) -> list[list[Round]]:
    """The rounds of each contender."""
    taken: list[list[Round]] = [[] for _ in contenders]
    for number in range(pace.rounds):
        for contender, rounds in zip(contenders, taken, strict=True):
            rounds.append(await take_one(contender, connections, contender.requests or pace.requests, number))
    return taken


async def take_one(contender: Contender, connections: int, requests: int, number: int = 0) -> Round:
    """Drive one server. ``number``: which part of the credentials that go once is taken."""
    server = contender.server
    orders = contender.orders.part(number, size=requests + spare_for(connections))
    before = _clocks(contender)
    driven = await drive(server.url, orders, connections, requests)
    await asyncio.sleep(SETTLE_SECONDS)
    each = [
        (after - earlier) / 1000 / max(driven.requests, 1)
        for after, earlier in zip(_clocks(contender), before, strict=True)
    ]
    whole, loop, store = each
    return Round(
        driven.requests / driven.seconds,
        driven.p50,
        driven.p99,
        loop if contender.apart else whole,
        store,
        whole - loop if contender.apart else 0.0,
        driven.requests,
        driven.wrong,
        driven.example,
    )


def middle(rounds: Sequence[Round], figure: str) -> float:
    """The median of one figure."""
    return float(median(getattr(each, figure) for each in rounds))


def ratio(rounds: Sequence[Round], others: Sequence[Round], figure: str = "server") -> float:
    """The median of the ratios of rounds that followed each other."""
    pairs = zip(rounds, others, strict=True)
    return float(median(getattr(one, figure) / getattr(other, figure) for one, other in pairs))


def _clocks(contender: Contender) -> tuple[int, int, int]:
    """CPU nanoseconds so far: of the server, of its event loop, of its store."""
    server = contender.server
    whole = cpu.nanoseconds(server.pid)
    loop = cpu.main_thread_nanoseconds(server.pid) if contender.apart else whole
    return whole, loop, cpu.nanoseconds(*server.store_pids)
