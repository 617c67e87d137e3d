"""Operations that count grants, tokens, clients and what was issued recently."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any

from pydantic import Field

from service.admin import statistics as admin
from service.admin.operations.operation import Operation, Output, Seconds, list_of
from service.admin.statistics import Point, Statistics
from service.issuer import Issuer
from service.protocol.checked_types import Number

_sampled: ContextVar[Statistics | None] = ContextVar("statistics", default=None)


@contextmanager
def sampled(statistics: Statistics) -> Iterator[None]:
    """Bind the samples of the processes that answer; without them no rates are known."""
    token = _sampled.set(statistics)
    try:
        yield
    finally:
        _sampled.reset(token)


class RedisNumbers(Output[Mapping[str, Any]]):
    """The sums of all primaries. A number is null where the Redis user may not read it (INFO, DBSIZE)."""

    memory_bytes: int | None
    memory_limit_bytes: Annotated[int | None, Field(description="0 = no limit.")]
    connections: int | None
    commands_per_second: int | None
    evicted_keys: int | None
    keys: int | None
    versions: tuple[str, ...]
    primaries: int


class LiveGrants(Output[Mapping[str, Any]]):
    """Live grants by client. Numbers that are not exact are estimates."""

    by_client: dict[str, int]
    total: int
    exact: Annotated[bool, Field(description="Whether every key was scanned.")]
    margin: Annotated[
        int | None,
        Field(
            description="Right 19 times out of 20; null where the Redis user may not ask (DBSIZE): the numbers are the least."
        ),
    ]
    scanned: int
    keys: Annotated[int | None, Field(description="Null where the Redis user may not ask (DBSIZE).")]
    at: Seconds


class Numbers(Output[Mapping[str, Any]]):
    """The numbers of the service. Rates are those of the processes behind this port, null until there are two samples."""

    sampled_every_seconds: float
    issued_per_second: float | None
    refused_per_second: float | None
    introspected_per_second: float | None
    issued_per_minute: float | None
    redis: RedisNumbers
    grants: LiveGrants


class RatesThen(Output[Point]):
    """The rates per second between the previous sample and this one."""

    at: Annotated[float, Field(description="Epoch seconds.")]
    issued: float
    refused: float
    introspected: float
    memory_bytes: Annotated[int | None, Field(description="Of all primaries; null = Redis does not say.")]


async def _show(issuer: Issuer) -> Mapping[str, Any]:
    return await admin.describe(_sampled.get() or Statistics(issuer))


async def _history(
    _: Issuer, seconds: Annotated[Number, Field(ge=1, le=3600, description="Seconds until now.")] = 600
) -> list[Point]:
    statistics = _sampled.get()
    return statistics.points(seconds) if statistics else []


SHOW = Operation("statistics.show", "Show how much the service does, and how Redis is.", _show, Numbers)
HISTORY = Operation(
    "statistics.history",
    "Show the rates of the last minutes.",
    _history,
    list_of("points", RatesThen, "Samples of the processes behind the port that was asked, the oldest in front."),
)
