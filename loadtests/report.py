"""What was measured, for people (a table) and for later runs (JSON)."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

LIMITED_AT = 64
"""Connections at which the limits hold."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of work at so many connections: medians over its rounds.

    ``rate``: requests per second; ``p50`` and ``p99``: milliseconds; ``empty``, ``server``, ``redis`` and ``threads``: CPU
    µs per request, of E, of Mintmark, of Redis and of argon2's threads where they are counted apart; ``times_empty``: server
    ÷ E; ``limit`` and ``redis_limit``: None where nothing was promised; ``wrong``: answers that were not what they must be.
    """

    work: str
    title: str
    connections: int
    rate: float
    p50: float
    p99: float
    empty: float
    server: float
    redis: float
    threads: float
    times_empty: float
    limit: float | None
    redis_limit: float | None
    wrong: int
    example: str

    @property
    def over(self) -> bool:
        """Whether server or Redis need more than was promised."""
        return _is_over(self.times_empty, self.limit) or _is_over(self.redis, self.redis_limit)


def console() -> Console:
    """Wide enough for the tables where the output is a file."""
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=150)


def table(rows: Sequence[Row], earlier: dict[tuple[str, int], float] | None = None) -> Table:
    """The rows. ``earlier``: ×E of an earlier run by work and connections."""
    shown = Table(title="CPU per request", title_justify="left")
    shown.add_column("work", no_wrap=True)
    for name in ("conn.", "requests/s", "p50 ms", "p99 ms", "E µs", "server µs", "Redis µs", "× E", "limit"):
        shown.add_column(name, justify="right", no_wrap=True)
    if earlier is not None:
        shown.add_column("before", justify="right", no_wrap=True)
    last = ""
    for row in rows:
        if row.work != last and last:
            shown.add_section()
        cells = [row.title if row.work != last else "", *_cells(row)]
        if earlier is not None:
            cells.append(_change(row, earlier))
        shown.add_row(*cells)
        last = row.work
    return shown


def wrong_answers(rows: Iterable[Row]) -> list[str]:
    """A line for each row with wrong answers."""
    return [
        f"{row.work} at {row.connections} connections: {row.wrong} wrong answers, such as: {row.example}"
        for row in rows
        if row.wrong
    ]


def write(path: Path, facts: dict[str, Any], rows: Sequence[Row], **more: Any) -> None:
    """The run as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {"machine": facts, **more, "rows": [asdict(row) for row in rows]}
    path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n")


def read_earlier(path: Path) -> dict[tuple[str, int], float]:
    """×E by work and connections, of a run that ``write`` wrote. Raises ValueError."""
    try:
        rows = json.loads(path.read_text())["rows"]
        return {(row["work"], row["connections"]): row["times_empty"] for row in rows}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no run of the bench: {error!r}") from error


def limited(value: float, limit: float | None, unit: str = "") -> Text:
    """``≤ 2.6`` and a mark."""
    if limit is None:
        return Text("")
    over = _is_over(value, limit)
    return Text(f"{'✗' if over else '✓'} ≤ {limit:g}{unit}", "bold red" if over else "green")


def _cells(row: Row) -> list[str | Text]:
    at_limit = row.connections == LIMITED_AT
    redis = Text(f"{row.redis:.1f}")
    if at_limit and row.redis_limit is not None:
        redis = Text(f"{row.redis:.1f} ") + limited(row.redis, row.redis_limit)
    return [
        *(str(row.connections), f"{row.rate:,.0f}", f"{row.p50:.1f}", f"{row.p99:.1f}"),
        *(f"{row.empty:.1f}", f"{row.server:.1f}", redis),
        *(f"{row.times_empty:.2f}", limited(row.times_empty, row.limit) if at_limit else ""),
    ]


def _change(row: Row, earlier: dict[tuple[str, int], float]) -> str:
    before = earlier.get((row.work, row.connections))
    return "new" if not before else f"{before:.2f} {(row.times_empty / before - 1) * 100:+.0f} %"


def _is_over(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit
