"""The output of commands for operators: tables, facts and, on standard error, messages. For programs: ``json_output``."""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli.json_output import emit
from service.client_auth import names_of_method
from service.protocol.display_names import spelled_out

_TOO_WIDE = 1.5
"""A table that needs more than this many widths of the terminal is shown as facts; below, its cells are wrapped."""

ENDED_BY_CHANGE = "All that it was issued has ended, as it knows its users by another sub now."
"""The message about a client whose subject type or sector was changed."""

messages = Console(highlight=False, stderr=True)


def terminal() -> Console:
    """Return standard output; where it is no terminal, lines are never wrapped."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 10_000)


def say(text: str) -> None:
    """Print a message on standard error."""
    messages.print(Text(text), soft_wrap=True)


def report(output: Mapping[str, Any], message: str, json: bool) -> None:
    """Print the output as JSON, or otherwise only a message."""
    if json:
        emit(output)
    else:
        say(message)


def complain(text: str) -> None:
    """Print an error on standard error."""
    between = "\n  " if "\n" in text else " "
    shown = Text(between + text.replace("\n", between), "not bold default")
    messages.print(Text("Error:", "bold red") + shown, soft_wrap=True)


def facts(described: Mapping[str, Any]) -> None:
    """Print one record, a line for each member that is not empty."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in described.items():
        if (text := _written(name, value)) != "":
            grid.add_row(name, Text(text))
    terminal().print(grid)


def table(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> None:
    """Print many records, one a line; on a narrow terminal, print each with a line for each member."""
    rows, console = list(rows), terminal()
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    names = list(columns)
    for name in names:
        drawn.add_column(name, overflow="fold", no_wrap=name == names[0])
    for row in rows:
        drawn.add_row(*(Text(_written(name, row[name], ", ")) for name in names))
    if (
        rows
        and console.measure(drawn, options=console.options.update(max_width=10_000)).maximum > console.width * _TOO_WIDE
    ):
        for row in rows:
            facts({name: row[name] for name in names})
            console.print()
        return
    if console.is_terminal:
        console.print(drawn)
        return
    with console.capture() as lines:
        console.print(drawn)
    for line in lines.get().splitlines():
        sys.stdout.write(f"{line.rstrip()}\n")  # rich pads each line to the widest


@contextmanager
def busy(text: str) -> Iterator[None]:
    """Show a text on a terminal until the block ends; nothing where the text is empty."""
    with messages.status(Text(text)) if text else nullcontext():
        yield


def moment(seconds: int) -> str:
    """Return epoch seconds as ``2026-01-31 12:00:00 UTC``; "" for 0."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds)) if seconds else ""


def _written(name: str, value: Any, between: str = "\n") -> str:  # noqa: ANN401 (of any output)
    """Return a value for operators: a moment, yes or no, or the items of a list joined by ``between``."""
    if name == "ends_at":
        return moment(int(value)) or "never"
    if name.endswith("_at") or name in ("at", "auth_time"):
        return moment(int(value))
    if name == "auth_method":
        return names_of_method(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return between.join(_written("", item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={_written(key, item)}" for key, item in value.items())
    return "" if value is None else spelled_out(str(value))
