"""Measuring in turns (E, Mintmark, E, Mintmark …), so that other load on the machine affects all servers alike."""

import asyncio
from collections.abc import Sequence
from math import pi, sqrt
from statistics import median, stdev
from typing import NamedTuple

from loadtests import cpu
from loadtests.generator import Orders, drive, spare_for
from loadtests.servers import Server

SETTLE_SECONDS = 0.02
ERROR_OF_MEDIAN = sqrt(pi / 2)
"""The standard error of a median as a multiple of that of the mean, of values that are normally distributed."""


class Contender(NamedTuple):
    """A server and its requests.

    Args:
        server: The server.
        orders: The requests.
        apart: Whether other threads than the event loop's are counted separately.
        requests: The number of requests in a round, where that of the others would take too long.
    """

    server: Server
    orders: Orders
    apart: bool = False
    requests: int | None = None


class Round(NamedTuple):
    """The figures of one round.

    Args:
        rate: Requests per second.
        p50: Milliseconds.
        p99: Milliseconds.
        server: CPU µs per request of the server.
        store: CPU µs per request of its store.
        threads: CPU µs per request of other threads than the event loop's, where they are counted separately.
        requests: The number of requests.
        wrong: The number of wrong responses.
        example: One of them.
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
        """The CPU µs per request of server and store together."""
        return self.server + self.store


class Pace(NamedTuple):
    """The number of requests in a round, and the number of rounds."""

    requests: int
    rounds: int


async def take_turns(contenders: Sequence[Contender], connections: int, pace: Pace) -> list[list[Round]]:
    """Measure the contenders in turns, and return the rounds of each."""
    taken: list[list[Round]] = [[] for _ in contenders]
    for number in range(pace.rounds):
        for contender, rounds in zip(contenders, taken, strict=True):
            rounds.append(await take_one(contender, connections, contender.requests or pace.requests, number))
    return taken


async def take_one(contender: Contender, connections: int, requests: int, number: int = 0) -> Round:
    """Measure one round of one server, with the ``number``-th part of the single-use credentials."""
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
    """Return the median of one figure."""
    return float(median(getattr(each, figure) for each in rounds))


def ratio(rounds: Sequence[Round], others: Sequence[Round], figure: str = "server") -> float:
    """Return the median of the rounds' ratios to ``others``, of which each is measured before its round.

    A round is divided by the mean of the two others around it, the last one by that before it. One alone varies as much as the
    round does, and as it is divided by, that makes ratios larger, too: 3.22 instead of 3.12 in 39 rounds of refreshes.
    """
    return float(median(_ratios(rounds, others, figure)))


def margin(rounds: Sequence[Round], others: Sequence[Round], figure: str = "server") -> float | None:
    """Return how far that median may be off by chance: two of its standard errors, None for fewer than three rounds."""
    ratios = _ratios(rounds, others, figure)
    return 2 * ERROR_OF_MEDIAN * stdev(ratios) / sqrt(len(ratios)) if len(ratios) > 2 else None


def _ratios(rounds: Sequence[Round], others: Sequence[Round], figure: str) -> list[float]:
    before = [getattr(other, figure) for other in others]
    after = [*before[1:], before[-1]]
    each = zip(rounds, before, after, strict=True)
    return [2 * getattr(one, figure) / (left + right) for one, left, right in each]


def _clocks(contender: Contender) -> tuple[int, int, int]:
    """Return the CPU nanoseconds so far of the server, its event loop and its store."""
    server = contender.server
    whole = cpu.nanoseconds(server.pid)
    loop = cpu.main_thread_nanoseconds(server.pid) if contender.apart else whole
    return whole, loop, cpu.nanoseconds(*server.store_pids)
