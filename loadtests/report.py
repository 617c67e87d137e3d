"""Reports of the benchmark: a table for the terminal, and JSON for later runs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

LIMITED_AT = 64
"""The number of connections for which the limits are."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of work at so many connections, with medians over its rounds.

    Args:
        work: The name of the work.
        title: Its title in the table.
        connections: The number of connections.
        rate: Requests per second.
        p50: Milliseconds.
        p99: Milliseconds.
        empty: CPU µs per request of E.
        server: CPU µs per request of Mintmark.
        redis: CPU µs per request of Redis.
        threads: CPU µs per request of argon2's threads, where they are counted separately.
        times_empty: ``server`` as a multiple of ``empty``.
        margin: How far that may be off by chance, None where that is not known.
        limit: The limit of ``times_empty``, None without one.
        redis_limit: The limit of ``redis``, None without one.
        wrong: The number of wrong responses.
        example: One of them.
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
    margin: float | None
    limit: float | None
    redis_limit: float | None
    wrong: int
    example: str

    @property
    def over(self) -> bool:
        """Whether the server or Redis exceeds its limit, and not only by chance."""
        by_more = self.times_empty - (self.margin or 0.0)
        return _is_over(by_more, self.limit) or _is_over(self.redis, self.redis_limit)


def console() -> Console:
    """Return a console that is wide enough for the tables, also where the output is a file."""
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=150)


def table(rows: Sequence[Row], earlier: dict[tuple[str, int], float] | None = None) -> Table:
    """Return the table of the rows, compared with the × E of an earlier run by work and connections."""
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
    """Return a line for each row with wrong responses."""
    return [
        f"{row.work} at {row.connections} connections: {row.wrong} wrong answers, such as: {row.example}"
        for row in rows
        if row.wrong
    ]


def write(path: Path, facts: dict[str, Any], rows: Sequence[Row], **more: Any) -> None:
    """Write the run as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {"machine": facts, **more, "rows": [asdict(row) for row in rows]}
    path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n")


def read_earlier(path: Path) -> dict[tuple[str, int], float]:
    """Return × E by work and connections, of a run that ``write`` wrote. Raises ValueError."""
    try:
        rows = json.loads(path.read_text())["rows"]
        return {(row["work"], row["connections"]): row["times_empty"] for row in rows}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no run of the bench: {error!r}") from error


def limited(value: float, limit: float | None, unit: str = "", margin: float = 0.0) -> Text:
    """Return a limit with a mark whether the value is within: ``✓ ≤ 2.6``, or ``≈`` where ``margin`` leaves that open."""
    if limit is None:
        return Text("")
    if abs(value - limit) < margin:
        return Text(f"≈ ≤ {limit:g}{unit}", "yellow")
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
        f"{row.times_empty:.2f}" if row.margin is None else f"{row.times_empty:.2f} ± {row.margin:.2f}",
        limited(row.times_empty, row.limit, margin=row.margin or 0.0) if at_limit else "",
    ]


def _change(row: Row, earlier: dict[tuple[str, int], float]) -> str:
    before = earlier.get((row.work, row.connections))
    return "new" if not before else f"{before:.2f} {(row.times_empty / before - 1) * 100:+.0f} %"


def _is_over(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit
