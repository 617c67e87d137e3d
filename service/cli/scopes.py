"""``mintmark scope …``: what can be asked for."""

import typer

from service.admin.operations import scopes as operations
from service.cli.acting import do
from service.cli.output import Json, emit, table

app = typer.Typer(no_args_is_help=True, help="List the scopes that the settings describe.")


@app.callback()
def scope() -> None:
    """List the scopes that the settings describe."""


@app.command("list")
def list_(json: Json = False) -> None:
    """List the scopes: what users read about each, and what of a user it lets clients see.

    Example: `mintmark scope list`

    Clients may have others too, which only their resource servers understand.
    """
    listed = do(operations.LIST)
    if json:
        emit(listed)
    else:
        table(listed["scopes"], operations.LIST.columns)
