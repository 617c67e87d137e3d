"""``mintmark token …``: inspection of tokens."""

from typing import Annotated

import typer

from service.admin.operations import tokens as operations
from service.cli.acting import do
from service.cli.derived import stays_a_group
from service.cli.json_output import Json, emit
from service.cli.output import facts
from service.cli.prompts import hidden
from service.cli.usage import WrongUsage

app = typer.Typer(
    no_args_is_help=True, callback=stays_a_group, help="Say what a token is, and why it would be refused."
)


@app.command(context_settings={"allow_extra_args": True})
def inspect(
    context: typer.Context,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="The first line of standard input.", metavar="")
    ] = False,
    json: Json = False,
) -> None:
    """Show the kind of a token, its user, what it allows, its end, and why it would be refused.

    Example: `mintmark token inspect --token-stdin < token.txt`

    The token is asked for, and is not stored. It may also be a code, a refresh token, an ID token or another JWT.
    """
    if context.args:  # not echoed, as it may be a valid token
        raise WrongUsage("not on a command line, which everybody on this machine can see: use --token-stdin.")
    inspected = do(operations.INSPECT, token=hidden("token", "--token-stdin", from_stdin=token_stdin))
    if json:
        emit(inspected)
        return
    reasons = inspected.pop("reasons")
    facts(inspected | {"why not": [reason["text"] for reason in reasons]})
