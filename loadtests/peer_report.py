"""Reports of the comparison with peers: a table for the terminal, Markdown for the documentation, and JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from loadtests import machine, report
from loadtests.peers import PEERS
from loadtests.peers.peer import REPEATED

BEGIN, END = "<!-- Made by `make bench-peers`: begin -->", "<!-- Made by `make bench-peers`: end -->"


class Figures(NamedTuple):
    """Medians of a server.

    Args:
        server: CPU µs per request of the server.
        store: CPU µs per request of its store.
        rate: Requests per second.
        p99: Milliseconds.
        times: ``server`` as a multiple of Mintmark's.
        times_together: ``server`` and ``store`` together as a multiple of Mintmark's.
    """

    server: float
    store: float
    rate: float
    p99: float
    times: float
    times_together: float

    @property
    def cell(self) -> str:
        """The costs of server and store as text: ``113 + 15``."""
        return f"{self.server:,.0f} + {self.store:,.0f}"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of work.

    ``peers`` has the figures of the peers that do it, by name. ``goal`` is how many times as much the first peer is to cost.
    """

    work: str
    title: str
    mintmark: Figures
    peers: dict[str, Figures]
    goal: float | None
    wrong: int
    example: str


class Run(NamedTuple):
    """The whole comparison.

    ``left_out`` has the reason for each peer without figures, by name. ``failed`` is set if a response was wrong or a peer did
    not start.
    """

    facts: dict[str, Any]
    versions: dict[str, dict[str, str]]
    left_out: dict[str, str]
    rows: list[Row]
    failed: bool


class Page(NamedTuple):
    """A page without the text between its two marks."""

    before: str
    after: str

    def around(self, text: str) -> str:
        """Return the page with a text between its marks."""
        return f"{self.before}{BEGIN}\n\n{text}\n{END}{self.after}"


def read_page(path: Path) -> Page:
    """Read a page. Raises ValueError where it lacks the marks."""
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no place for the table: {BEGIN} … {END}")
    return Page(before, after)


def in_brief(row: Row) -> str:
    """Return a row in one line, to be printed during the run."""
    return f"{row.title}: " + ", ".join(f"{name} × {figures.times:.1f}" for name, figures in row.peers.items())


def show(run: Run) -> None:
    """Print the comparison."""
    out = report.console()
    out.width = max(out.width, 160)
    title = f"CPU µs per request: server + store (× Mintmark's server), {report.LIMITED_AT} connections"
    head, *rows = _cells(run)
    shown = Table(title=title, title_justify="left", show_lines=True)
    for number, name in enumerate(head):
        shown.add_column(name, justify="right" if number else "left")
    for cells in rows:
        shown.add_row(*cells)
    out.print(shown)
    for line in (*_notes(run), machine.summary(run.facts), _load(run)):
        out.print(line, highlight=False, markup=False)
    for row in run.rows:
        if row.wrong:
            text = f"{row.title}: {row.wrong} wrong answers, such as: {row.example}"
            out.print(text, style="bold red", markup=False)


def as_markdown(run: Run) -> str:
    """Return the comparison in Markdown, for a page."""
    head, *rows = ([cell.replace("\n", " ") for cell in cells] for cells in _cells(run))
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    notes = "\n".join(f"- {note}" for note in (*_notes(run), machine.summary(run.facts), _load(run)))
    return f"{table}\n\n{notes}\n"


def write(path: Path, run: Run) -> None:
    """Write the run as JSON."""
    body = {"versions": run.versions, "left_out": run.left_out, "peers": [_as_json(row) for row in run.rows]}
    report.write(path, run.facts, [], **body)


def read(path: Path) -> Run:
    """Read a run that ``write`` wrote."""
    body = json.loads(path.read_text())
    rows = [
        Row(
            **{
                **row,
                "mintmark": Figures(**row["mintmark"]),
                "peers": {name: Figures(**figures) for name, figures in row["peers"].items()},
            }
        )
        for row in body["peers"]
    ]
    return Run(body["machine"], body["versions"], body["left_out"], rows, any(row.wrong for row in rows))


def _cells(run: Run) -> list[list[str]]:
    """Return the cells of the head and of each row."""
    rows = [["work", "Mintmark", *(PEERS[name].title for name in run.versions)]]
    for row in run.rows:
        theirs = [_cell_of(row, name) for name in run.versions]
        rows.append([row.title, row.mintmark.cell, *theirs])
    return rows


def _cell_of(row: Row, name: str) -> str:
    figures = row.peers.get(name)
    return "–" if figures is None else f"{figures.cell}\n(× {figures.times:.1f})"


def _notes(run: Run) -> list[str]:
    """Return the notes on each peer: its versions, setup, warm-up, and the works that it does not do."""
    notes = []
    for name, versions in run.versions.items():
        peer = PEERS[name]
        of = ", ".join(f"{package} {version}" for package, version in versions.items())
        reasons: dict[str, list[str]] = {}
        for row in run.rows:
            if row.work in peer.does_not:
                reasons.setdefault(peer.does_not[row.work], []).append(row.title)
        lacking = "".join(f" No figure for {' and '.join(titles)}: {reason}." for reason, titles in reasons.items())
        often = f"{peer.warm_up:,} requests of each kind ({peer.warm_up * REPEATED:,} of those that may be repeated)"
        warm = f"{often} before it counts, then {peer.requests:,} a round"
        notes.append(f"{peer.title} ({of}): {peer.note}; {warm}.{lacking}")
    return notes + [f"{PEERS[name].title} was left out: {reason}" for name, reason in run.left_out.items()]


def _load(run: Run) -> str:
    return f"Load average when it began {run.facts['load_average']}, when it ended {run.facts['load_average_after']}"


def _as_json(row: Row) -> dict[str, Any]:
    return asdict(row) | {
        "mintmark": row.mintmark._asdict(),
        "peers": {name: figures._asdict() for name, figures in row.peers.items()},
    }
