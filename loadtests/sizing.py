"""``python -m loadtests.sizing``: how many processes and how much Redis, for so many token requests a second.

Explained in docs/how-to/operations.md. Arithmetic on measured figures: those of docs/explanation/costs.md, and
``MEMORY USAGE`` for what the table there leaves out.
"""

import math
from dataclasses import dataclass

RATES = (1_000, 10_000, 100_000)
BUSY = 0.5
"""How much of a process may be used: of three zones one can go, and the others then stand at 75 %."""
SMALLER_BATCHES = 2.0
"""Redis was measured with 64 requests at a time; where processes have less to do, their batches are smaller and dearer."""
CLUSTER = 1.15
"""A Cluster costs the service 1.06 to 1.24 times as much."""
DATA_PER_PRIMARY = 25e9
"""Bytes of data on a primary: what a replica can still be sent, and a snapshot be forked of, in a reasonable time."""
REDIS_BUSY = 0.4
"""How much of a primary's one core may be used."""

SERVER = {"client_credentials": 53, "refresh": 92, "sign-in": 199}
"""CPU microseconds of the service per token request; a sign-in is a code with an ES256 ID token."""
REDIS = {"client_credentials": 5, "refresh": 34, "sign-in": 103}
"""The same, of Redis."""
TOKEN, GRANT, MARK = 289, 981, 250
"""Bytes: a client_credentials token; what a sign-in leaves; a used code or refresh token that is remembered."""
REFRESHED = 234
"""Bytes of an access token that a refresh brings."""

SHARES = {"client_credentials": 0.90, "refresh": 0.09, "sign-in": 0.01}


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds. The defaults are those of the settings."""

    access_token: int = 3600
    reuse_memory: int = 86400 * 7
    grant: int = 86400 * 14


LEAN = Lifetimes(access_token=900, reuse_memory=86400, grant=86400 * 3)


@dataclass(frozen=True, slots=True)
class Size:
    """``cores``: what the service uses; ``redis_cores``: what Redis does; ``data``: bytes in Redis."""

    cores: float
    processes: int
    redis_cores: float
    data: float
    primaries: int


def data(rate: float, lifetimes: Lifetimes) -> float:
    """Bytes in Redis once everything that ends has begun to."""
    services, refreshes, sign_ins = (rate * SHARES[name] for name in ("client_credentials", "refresh", "sign-in"))
    tokens = (services * TOKEN + refreshes * REFRESHED) * lifetimes.access_token
    marks = (refreshes + sign_ins) * MARK * lifetimes.reuse_memory
    return tokens + marks + sign_ins * GRANT * lifetimes.grant


def size(rate: float, lifetimes: Lifetimes) -> Size:
    """What ``rate`` token requests a second need."""
    redis_cores = rate * sum(SHARES[name] * REDIS[name] for name in SHARES) / 1e6 * SMALLER_BATCHES
    kept = data(rate, lifetimes)
    primaries = max(math.ceil(kept / DATA_PER_PRIMARY), math.ceil(redis_cores / REDIS_BUSY))
    primaries = primaries if primaries == 1 else max(primaries, 3)
    cores = rate * sum(SHARES[name] * SERVER[name] for name in SHARES) / 1e6 * (CLUSTER if primaries > 1 else 1)
    processes = max(3, math.ceil(cores / BUSY)) if rate > RATES[0] else max(2, math.ceil(cores / BUSY))
    return Size(cores, processes, redis_cores, kept, primaries)


def table(lifetimes: Lifetimes) -> str:
    """In Markdown, one row a rate."""
    rows = [
        "| token requests/s | cores the service uses | processes | cores Redis uses | data in Redis | primaries |",
        "|---|---|---|---|---|---|",
    ]
    for rate in RATES:
        one = size(rate, lifetimes)
        rows.append(
            f"| {rate:,} | {one.cores:.2f} | {one.processes} | {one.redis_cores:.2f} "
            f"| {one.data / 1e9:,.0f} GB | {one.primaries} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    print("With the default lifetimes:\n", table(Lifetimes()), "\nWith lean ones:\n", table(LEAN), sep="\n")
