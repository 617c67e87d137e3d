"""The first page: numbers of requests, the state of Redis, and the clients with the most live grants."""

from typing import Any

from service.admin.operations import statistics
from service.fronts.console.charts import Chart, chart
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Show

SPAN = 600
"""Seconds in the charts."""
_MOST_CLIENTS = 8


async def show(request: ConsoleRequest) -> ConsoleReply:
    """Show the whole page."""
    return Show("dashboard", await _values(request))


async def show_numbers(request: ConsoleRequest) -> ConsoleReply:
    """Show the part of the page that changes, for the script that replaces it."""
    return Show("numbers", await _values(request))


async def _values(request: ConsoleRequest) -> dict[str, Any]:
    numbers = await request.do(statistics.SHOW)
    points = (await request.do(statistics.HISTORY, seconds=SPAN))["points"]
    grants = numbers["grants"]
    shown = list(grants["by_client"].items())[:_MOST_CLIENTS]
    return {
        "here": "dashboard",
        "charts": _charts(points, request.issuer.clock()),
        "per_minute": numbers["issued_per_minute"],
        "redis": numbers["redis"],
        "grants": grants,
        "shown": shown,
        "most": shown[0][1] if shown else 1,
        "others": grants["total"] - sum(count for _, count in shown),
        "every": int(numbers["sampled_every_seconds"]),
        "span": SPAN,
    }


def _charts(points: list[dict[str, Any]], now: float) -> list[tuple[str, str, str, Chart]]:
    """Return the charts, each with its name, heading and unit."""
    begins = now - SPAN
    return [
        (
            name,
            heading,
            unit,
            chart([(point["at"], point[name]) for point in points], begins, now, 2**20 if unit == "size" else 1),
        )
        for name, heading, unit in (
            ("issued", "Tokens issued", "per second"),
            ("introspected", "Introspections", "per second"),
            ("refused", "Refused requests", "per second"),
            ("memory_bytes", "Redis memory", "size"),
        )
    ]


PAGES = (ConsolePage("", get=show), ConsolePage("/numbers", get=show_numbers, prolongs=False))
