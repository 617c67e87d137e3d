"""``mintmark scope …``: the scopes that clients can request."""

import typer

from service.admin.operations import scopes as operations
from service.cli.derived import add_list, stays_a_group

app = typer.Typer(no_args_is_help=True, callback=stays_a_group, help="List the scopes that the settings describe.")

add_list(
    app,
    operations.LIST,
    """List the scopes, each with its description for users, and the claims to which it gives access.

    Example: `mintmark scope list`

    Clients may have further ones, which only their resource servers understand.
    """,
)
