"""``mintmark session …``: browser sessions of users."""

import typer

from service.admin.operations import sessions as operations
from service.cli.derived import add_command, add_list

app = typer.Typer(no_args_is_help=True, help="List the browser sessions of a user, show one, end one.")

add_list(
    app,
    operations.LIST,
    """List the browser sessions of a user.

    Example: `mintmark session list --user alice`
    """,
    "session",
    flags={"username": "--user"},
)
add_command(
    app,
    operations.SHOW,
    """Show a browser session.

    Example: `mintmark session show Yk3JvQ0fT0mZb2bXgqN1Aw`
    """,
)
add_command(
    app,
    operations.END,
    """End a browser session and the grants that began in it, and notify its clients, as signing out does.

    Example: `mintmark session end Yk3JvQ0fT0mZb2bXgqN1Aw`

    Refresh tokens with offline_access stay where the settings say so; `mintmark user sign-out` ends everything.
    """,
    waiting="ending grants …",
    said="The session has ended; grants ended: {grants_ended}, sessions ended: {sessions_ended}.",
)
