"""Numbers about the service: rates per second, the state of Redis, and live grants by client.

Rates are those of the processes behind this port (all workers of this machine, not other machines), sampled every
``EVERY`` seconds and kept for an hour in memory. Grants are counted in a sample of the keys, never in all of a large Redis.
"""

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from service.issuer import Issuer
from service.protocol.errors import TemporarilyUnavailable
from service.redis.errors import StoreError
from service.store.scanning import RedisServer

EVERY = 5.0
"""Seconds between samples."""
KEPT = 721
"""The number of samples in an hour."""
SCANNED = 20_000
"""Keys that a count of grants scans; where there are no more, it is exact."""
RESTS = 30
"""A count of grants is reused for this many times the time that it took, and at least until the next sample."""
_CERTAINTY = 1.96
"""Standard errors in the margin of an estimate: it is right 19 times out of 20."""
_REDIS_FACTS = {
    "used_memory": "memory_bytes",
    "maxmemory": "memory_limit_bytes",
    "connected_clients": "connections",
    "instantaneous_ops_per_sec": "commands_per_second",
    "evicted_keys": "evicted_keys",
}


class Totals(NamedTuple):
    """Totals since the processes began: tokens issued at the token endpoint, requests refused anywhere, introspections."""

    issued: int = 0
    refused: int = 0
    introspected: int = 0


class Sample(NamedTuple):
    """The counters at a moment."""

    at: float
    """Epoch seconds."""
    totals: Totals
    memory_bytes: int | None
    """Memory of all primaries, None where Redis does not report it."""


class Point(NamedTuple):
    """The rates per second between two samples, at the time of the later one."""

    at: float
    issued: float
    refused: float
    introspected: float
    memory_bytes: int | None


class GrantCounts(NamedTuple):
    """Live grants by client, the largest number first.

    Where Redis does not report the number of keys, ``keys`` and ``margin`` are None, and the numbers are lower bounds.
    """

    by_client: Mapping[str, int]
    total: int
    exact: bool
    """Whether every key was read; otherwise the numbers are estimates."""
    margin: int | None
    """The true total is within it 19 times out of 20."""
    scanned: int
    keys: int | None
    at: float
    """Epoch seconds."""


def totals(issuer: Issuer) -> Totals:
    """Return the current counters of all workers together."""
    issued = refused = introspected = 0.0
    for name, labels, value in issuer.metrics.totals():
        if name == "mintmark_token_requests_total" and labels["outcome"] == "ok":
            issued += value
        elif name == "mintmark_refusals_total":
            refused += value
        elif name == "mintmark_requests_total" and labels["endpoint"] == "introspect":
            introspected += value
    return Totals(round(issued), round(refused), round(introspected))


class Statistics:
    """The samples of one process. Run ``keep`` as a background task."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._grants: GrantCounts | None = None
        self._fresh_until = -math.inf
        self._counting = asyncio.Lock()

    async def keep(self) -> None:
        """Take a sample every few seconds; until cancelled."""
        while True:
            await self.sample()
            await asyncio.sleep(EVERY)

    async def sample(self) -> None:
        """Take a sample now."""
        try:
            memory: int | None = redis_numbers(await self.servers())["memory_bytes"]
        except (TemporarilyUnavailable, StoreError):
            memory = None
        self._samples.append(Sample(self._issuer.clock(), totals(self._issuer), memory))

    def points(self, seconds: float = 600) -> list[Point]:
        """Return the rates of the last ``seconds``, oldest first; empty until there are two samples."""
        since, samples = self._issuer.clock() - seconds, list(self._samples)
        return [_point(before, after) for before, after in pairwise(samples) if after.at >= since]

    def per_minute(self) -> float | None:
        """Return the tokens issued in the last minute, None until there are two samples."""
        points = self.points(60)
        return 60 * sum(point.issued for point in points) / len(points) if points else None

    async def servers(self) -> list[RedisServer]:
        """Return the primaries of Redis. Raises TemporarilyUnavailable."""
        return await self._issuer.store.scanning.servers()

    async def grants(self) -> GrantCounts:
        """Return live grants by client, counted recently in some ``SCANNED`` keys.

        Raises TemporarilyUnavailable.
        """
        async with self._counting:
            begun = time.monotonic()
            if self._grants is None or begun >= self._fresh_until:
                self._grants = await count_grants(self._issuer)
                done = time.monotonic()
                self._fresh_until = done + max(EVERY, RESTS * (done - begun))
            return self._grants


async def count_grants(issuer: Issuer, most: int = SCANNED) -> GrantCounts:
    """Count the grants among the first ``most`` keys of a scan, and extrapolate where there are more.

    Redis scans keys in the order of their hashes, so that the first ones are a fair sample of all.
    Raises TemporarilyUnavailable.
    """
    keys = _sum(server.keys for server in await issuer.store.scanning.servers())
    found, scanned, cursor = Counter[str](), 0, ""
    while True:
        page = await issuer.store.scanning.grants(cursor)
        scanned, cursor = scanned + page.keys, page.cursor
        for grant in page.grants:
            client = await issuer.store.clients.get(grant.client_id)
            if client is not None and client.grant_is_current(grant):
                found[grant.client_id] += 1
        if not cursor or scanned >= most:
            break
    if keys is None and cursor:
        return GrantCounts(dict(found.most_common()), found.total(), False, None, scanned, None, issuer.clock())
    return _extrapolated(found, scanned, max(keys or 0, scanned), exact=not cursor, at=issuer.clock())


def redis_numbers(servers: Sequence[RedisServer]) -> dict[str, Any]:
    """Return the sums of all primaries: memory in bytes (limit 0 = none), connections, commands per second, keys.

    A number that not every primary reports (INFO, DBSIZE) is None.
    """
    summed: dict[str, Any] = {
        name: _sum(int(server.facts[fact]) if fact in server.facts else None for server in servers)
        for fact, name in _REDIS_FACTS.items()
    }
    versions = sorted(
        {
            server.facts.get("valkey_version") or server.facts.get("redis_version") or server.version
            for server in servers
        }
    )
    return summed | {"keys": _sum(server.keys for server in servers), "versions": versions, "primaries": len(servers)}


def _sum(numbers: Iterable[int | None]) -> int | None:
    """Return the sum, None where one of the numbers is not known."""
    known = list(numbers)
    return None if None in known else sum(number for number in known if number is not None)


def describe_grants(grants: GrantCounts) -> dict[str, Any]:
    """Return the counts as output."""
    return {**grants._asdict(), "by_client": dict(grants.by_client), "at": int(grants.at)}


async def describe(statistics: Statistics) -> dict[str, Any]:
    """Return the current numbers as output. Raises TemporarilyUnavailable."""
    points = statistics.points()
    last = points[-1] if points else None
    return {
        "sampled_every_seconds": EVERY,
        "issued_per_second": last.issued if last else None,
        "refused_per_second": last.refused if last else None,
        "introspected_per_second": last.introspected if last else None,
        "issued_per_minute": statistics.per_minute(),
        "redis": redis_numbers(await statistics.servers()),
        "grants": describe_grants(await statistics.grants()),
    }


def _point(before: Sample, after: Sample) -> Point:
    """Return the rates between two samples. Where a counter fell, a process was restarted, and the rate is not known."""
    seconds = max(after.at - before.at, 0.001)
    issued, refused, introspected = (
        max(0, now - then) / seconds for now, then in zip(after.totals, before.totals, strict=True)
    )
    return Point(after.at, issued, refused, introspected, after.memory_bytes)


def _extrapolated(found: Counter[str], scanned: int, keys: int, *, exact: bool, at: float) -> GrantCounts:
    if exact or not scanned:
        return GrantCounts(dict(found.most_common()), found.total(), True, 0, scanned, keys, at)
    factor = keys / scanned
    share = found.total() / scanned
    unseen = 1 - scanned / keys
    error = math.sqrt(max(share * (1 - share), 1 / scanned) / scanned * max(unseen, 0.0))
    by_client = {client_id: round(count * factor) for client_id, count in found.most_common()}
    margin = math.ceil(_CERTAINTY * error * keys)
    return GrantCounts(by_client, sum(by_client.values()), False, margin, scanned, keys, at)
