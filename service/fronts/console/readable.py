"""Numbers, times and durations as operators read them; times also for machines."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from service.protocol.display_names import spelled_out

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")
_FAR = 4_000_000_000_000
"""Epoch seconds beyond which nothing has a date that is worth showing."""


def number(value: float | None) -> str:
    """12345 → 12,345; with one digit after the point where it is small and not whole; – for what is not known."""
    if value is None:
        return "–"
    if value and value < 100 and value != int(value):
        return f"{value:.1f}"
    return f"{round(value):,}"


def called(client: Mapping[str, Any]) -> str:
    """What a client is called, with nothing in it that an operator could not see; its client_id where that is nothing."""
    return spelled_out(client["name"]) if client["name"].strip() else str(client["client_id"])


def size(value: int | None) -> str:
    """Bytes: 1536 → 1.5 KiB."""
    if value is None:
        return "–"
    amount, unit = float(value), 0
    while amount >= 1024 and unit < len(_SIZES) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.0f} {_SIZES[unit]}" if unit == 0 or amount >= 100 else f"{amount:.1f} {_SIZES[unit]}"


def duration(seconds: float) -> str:
    """In the largest unit that it is whole in, or in the two largest: 5400 → 1 hour 30 minutes."""
    left, words = round(seconds), list[str]()
    for length, unit in _UNITS:
        count, left = divmod(left, length)
        if count:
            words.append(f"{count} {unit}{'s' if count > 1 else ''}")
        if len(words) == 2:
            break
    return " ".join(words) or "0 seconds"


def moment(seconds: float) -> Markup:
    """A time in UTC, for people and in ``datetime`` for machines (HTML 4.5.14)."""
    if not 0 < seconds < _FAR:
        return Markup("–")
    when = datetime.fromtimestamp(seconds, UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        when.strftime("%Y-%m-%dT%H:%M:%SZ"), when.strftime("%-d %b %Y, %H:%M:%S UTC")
    )


def since(seconds: float, now: float | None = None) -> Markup:
    """How long ago, or how far ahead; the time itself is in ``datetime`` and in the tooltip."""
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
