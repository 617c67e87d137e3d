"""What a command prints for programs: one JSON value, or a fresh secret alone."""

import sys
from typing import Annotated

import orjson
import typer

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON value on standard output, for programs.", metavar="")
]


def emit(value: object) -> None:
    """One JSON value on a line of its own."""
    sys.stdout.write(orjson.dumps(value).decode() + "\n")
    sys.stdout.flush()


def emit_secret(name: str, made: str, json: bool) -> None:
    """Print a fresh secret alone, so that it can be piped into a file; by its name in JSON."""
    if json:
        emit({name: made})
    else:
        sys.stdout.write(made + "\n")
