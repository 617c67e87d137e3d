"""The output of commands for programs: one JSON value, or a fresh secret alone."""

import sys
from typing import Annotated

import orjson
import typer

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON value on standard output, for programs.", metavar="")
]


def emit(value: object) -> None:
    """Print one JSON value on its own line."""
    sys.stdout.write(orjson.dumps(value).decode() + "\n")
    sys.stdout.flush()


def emit_secret(name: str, made: str, json: bool) -> None:
    """Print a fresh secret alone, so that it can be piped into a file; in JSON, print it under its name."""
    if json:
        emit({name: made})
    else:
        sys.stdout.write(made + "\n")
