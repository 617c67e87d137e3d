"""Moments and durations as operators write them."""

import re
import time
from calendar import timegm
from typing import Annotated

import typer

from service.cli.usage import WrongUsage

Since = Annotated[str, typer.Option(help="Show only newer ones: than 90m, 12h, 7d, or a date in UTC.", metavar="TIME")]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


UnusedFor = Annotated[
    str,
    typer.Option(help="Only openly registered clients that were not used for so long: 12h, 30d.", metavar="TIME"),
]


def duration_seconds(text: str) -> int:
    """Return ``30d`` in seconds; 0 for an empty text. Raises WrongUsage."""
    if not text:
        return 0
    if found := re.fullmatch(r"(\d{1,6})([smhd])", text):
        return int(found[1]) * _UNITS[found[2]]
    raise WrongUsage(f"--unused-for {text}: write 90m, 12h or 30d")


def since_seconds(since: str) -> int:
    """Return the moment ``90m`` ago, or of a date in UTC, in epoch seconds; 0 for an empty text. Raises WrongUsage."""
    if not since:
        return 0
    if ago := re.fullmatch(r"(\d{1,9})([smhd])", since):
        return max(0, int(time.time()) - int(ago[1]) * _UNITS[ago[2]])
    for form in ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return max(0, timegm(time.strptime(since, form)))
        except ValueError:
            continue
    raise WrongUsage(f"--since {since}: write 90m, 12h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z (UTC)")
