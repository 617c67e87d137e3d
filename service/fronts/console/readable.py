"""Numbers, times and durations in readable form; times also in machine-readable form."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from service.protocol.display_names import spelled_out

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")
_FAR = 4_000_000_000_000
"""Epoch seconds beyond which no date is shown."""


def number(value: float | None) -> str:
    """Return 12345 as 12,345; a small fraction has one decimal, and an unknown number is –."""
    if value is None:
        return "–"
    if value and value < 100 and value != int(value):
        return f"{value:.1f}"
    return f"{round(value):,}"


def called(client: Mapping[str, Any]) -> str:
    """Return the name of a client, with invisible characters spelled out; without a name, its client_id."""
    return spelled_out(client["name"]) if client["name"].strip() else str(client["client_id"])


def size(value: int | None) -> str:
    """Return bytes in a unit: 1536 → 1.5 KiB."""
    if value is None:
        return "–"
    amount, unit = float(value), 0
    while amount >= 1024 and unit < len(_SIZES) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.0f} {_SIZES[unit]}" if unit == 0 or amount >= 100 else f"{amount:.1f} {_SIZES[unit]}"


def duration(seconds: float) -> str:
    """Return a duration in its one or two largest units: 5400 → 1 hour 30 minutes."""
    left, words = round(seconds), list[str]()
    for length, unit in _UNITS:
        count, left = divmod(left, length)
        if count:
            words.append(f"{count} {unit}{'s' if count > 1 else ''}")
        if len(words) == 2:
            break
    return " ".join(words) or "0 seconds"


def moment(seconds: float) -> Markup:
    """Return a time in UTC, also in the attribute ``datetime`` for machines (HTML 4.5.14)."""
    if not 0 < seconds < _FAR:
        return Markup("–")
    when = datetime.fromtimestamp(seconds, UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        when.strftime("%Y-%m-%dT%H:%M:%SZ"), when.strftime("%-d %b %Y, %H:%M:%S UTC")
    )


def since(seconds: float, now: float | None = None) -> Markup:
    """Return the time before or after now; the moment itself is in ``datetime`` and in the tooltip."""
    if not 0 < seconds < _FAR:
        return Markup("–")
    when = datetime.fromtimestamp(seconds, UTC)
    away = seconds - (time.time() if now is None else now)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        when.strftime("%Y-%m-%dT%H:%M:%SZ"), when.strftime("%-d %b %Y, %H:%M:%S UTC"), _away(away)
    )


def _away(seconds: float) -> str:
    if abs(seconds) < 5:
        return "just now"
    length, unit = next((one for one in _UNITS if abs(seconds) >= one[0]), _UNITS[-1])
    count = round(abs(seconds) / length)
    words = f"{count} {unit}{'s' if count > 1 else ''}"
    return f"in {words}" if seconds > 0 else f"{words} ago"
