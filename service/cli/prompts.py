"""Prompts at the terminal, and secrets from standard input, which must not be on a command line."""

import sys
from typing import Annotated

import typer

from service.cli.usage import WrongUsage
from service.protocol.redaction import redacted

Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask for confirmation; needed without a terminal.", metavar="")
]


def confirm(question: str, *, yes: bool) -> None:
    """Ask the operator to confirm. Raises WrongUsage where there is no terminal."""
    if yes:
        return
    question = redacted(question)  # it may have a token in place of a name, and CI keeps its output
    if not sys.stdin.isatty():
        raise WrongUsage(f"{question} Nobody is here to ask: say --yes.")
    typer.confirm(question, abort=True, err=True)


def hidden(what: str, option: str, *, from_stdin: bool) -> str:
    """Return a secret: typed twice without echo, or the first line of standard input.

    No option takes it, as every user of a machine can see command lines. Raises WrongUsage where there is neither.
    """
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise WrongUsage(f"The {what} is asked for at a terminal; here is none: pipe it in with {option}.")
    return str(typer.prompt(what.capitalize(), hide_input=True, confirmation_prompt=True, err=True))
