"""``python -m loadtests.sizing``: the processes and the size of Redis for a rate of token requests.

It calculates with the measured figures of docs/explanation/costs.md, and with ``MEMORY USAGE`` for what the table there leaves
out. docs/how-to/operations.md explains the result.
"""

import math
from dataclasses import dataclass

RATES = (1_000, 10_000, 100_000)
BUSY = 0.5
"""The share of a process that may be used: if one of three zones fails, the others reach 75 %."""
SMALLER_BATCHES = 2.0
"""The factor for Redis, which was measured with 64 concurrent requests; with fewer, batches are smaller and cost more."""
CLUSTER = 1.15
"""The factor for a Cluster, which costs the service 1.06 to 1.24 times as much."""
DATA_PER_PRIMARY = 25e9
"""The most bytes of data on a primary, so that a replica is filled and a snapshot made in a reasonable time."""
REDIS_BUSY = 0.4
"""The share of a primary's single core that may be used."""

SERVER = {"client_credentials": 51, "refresh": 85, "sign-in": 132}
"""CPU µs of the service per token request; a sign-in is the redemption of a code with an ES256 ID token."""
REDIS = {"client_credentials": 4, "refresh": 34, "sign-in": 36}
"""CPU µs of Redis per token request."""
TOKEN, GRANT, MARK = 289, 981, 250
"""Bytes of a client_credentials token, of a grant after a sign-in, and of the record of a used code or refresh token."""
REFRESHED = 234
"""Bytes of an access token that a refresh issues."""

SHARES = {"client_credentials": 0.90, "refresh": 0.09, "sign-in": 0.01}


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Lifetimes in seconds, by default those of the settings."""

    access_token: int = 3600
    reuse_memory: int = 86400 * 7
    grant: int = 86400 * 14


LEAN = Lifetimes(access_token=900, reuse_memory=86400, grant=86400 * 3)


@dataclass(frozen=True, slots=True)
class Size:
    """The needed cores and processes of the service, cores and primaries of Redis, and bytes of data in Redis."""

    cores: float
    processes: int
    redis_cores: float
    data: float
    primaries: int


def data(rate: float, lifetimes: Lifetimes) -> float:
    """Return the bytes in Redis when as many records end as are made."""
    services, refreshes, sign_ins = (rate * SHARES[name] for name in ("client_credentials", "refresh", "sign-in"))
    tokens = (services * TOKEN + refreshes * REFRESHED) * lifetimes.access_token
    marks = (refreshes + sign_ins) * MARK * lifetimes.reuse_memory
    return tokens + marks + sign_ins * GRANT * lifetimes.grant


def size(rate: float, lifetimes: Lifetimes) -> Size:
    """Return the size for ``rate`` token requests per second."""
    redis_cores = rate * sum(SHARES[name] * REDIS[name] for name in SHARES) / 1e6 * SMALLER_BATCHES
    kept = data(rate, lifetimes)
    primaries = max(math.ceil(kept / DATA_PER_PRIMARY), math.ceil(redis_cores / REDIS_BUSY))
    primaries = primaries if primaries == 1 else max(primaries, 3)
    cores = rate * sum(SHARES[name] * SERVER[name] for name in SHARES) / 1e6 * (CLUSTER if primaries > 1 else 1)
    processes = max(3, math.ceil(cores / BUSY)) if rate > RATES[0] else max(2, math.ceil(cores / BUSY))
    return Size(cores, processes, redis_cores, kept, primaries)


def table(lifetimes: Lifetimes) -> str:
    """Return a table in Markdown with a row for each rate."""
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
