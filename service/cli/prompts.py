"""Asking at the terminal, and reading from standard input what must not be on a command line."""

import sys
from typing import Annotated

import typer

from service.protocol.redaction import redacted

Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Don't ask; needed where nobody sits at a terminal.", metavar="")
]


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if the operator means it. Raises BadParameter where no operator can be asked."""
    if yes:
        return
    question = redacted(question)  # a token in the place of a name: what is asked may be kept, by CI for one
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{question} Nobody is here to ask: say --yes.")
    typer.confirm(question, abort=True, err=True)


def hidden(what: str, option: str, *, from_stdin: bool) -> str:
    """A secret: typed twice without being shown, or the first line of standard input.

    Command lines can be seen by every user of a machine, so no option takes it. Raises BadParameter where it comes from
    neither.
    """
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"The {what} is asked for at a terminal; here is none: pipe it in with {option}.")
    return str(typer.prompt(what.capitalize(), hide_input=True, confirmation_prompt=True, err=True))
