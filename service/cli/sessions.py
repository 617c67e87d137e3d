"""``mintmark session …``: who is signed in in a browser."""

from typing import Annotated

import typer

from service.admin.operations import sessions as operations
from service.cli.acting import IDS_MAY_BEGIN_WITH_A_DASH, do
from service.cli.listing import Cursor, Limit, collect, tell_rest
from service.cli.output import Json, emit, facts, say, table

app = typer.Typer(no_args_is_help=True, help="List the browser sessions of a user, show one, end one.")

Sid = Annotated[str, typer.Argument(metavar="SID", help="See `mintmark session list`.", show_default=False)]


@app.command("list")
def list_(
    user: Annotated[str, typer.Option(help="Username, or subject.", metavar="USERNAME")],
    limit: Limit = 100,
    cursor: Cursor = "",
    json: Json = False,
) -> None:
    """List the browser sessions of a user.

    Example: `mintmark session list --user alice`
    """
    found, following = collect(operations.LIST, "sessions", limit, cursor, username=user)
    if json:
        emit({"sessions": found, "cursor": following})
        return
    table(found, ("sid", "username", "started_at", "auth_time", "used_at", "amr"))
    tell_rest(following, len(found), "session")


@app.command(context_settings=IDS_MAY_BEGIN_WITH_A_DASH)
def show(sid: Sid, json: Json = False) -> None:
    """Show a browser session.

    Example: `mintmark session show Yk3JvQ0fT0mZb2bXgqN1Aw`
    """
    described = do(operations.SHOW, sid=sid)
    if json:
        emit(described)
    else:
        facts(described)


@app.command(context_settings=IDS_MAY_BEGIN_WITH_A_DASH)
def end(sid: Sid, json: Json = False) -> None:
    """End a browser session with what was granted in it, and tell its clients, as signing out does.

    Example: `mintmark session end Yk3JvQ0fT0mZb2bXgqN1Aw`

    Refresh tokens with offline_access stay where the settings say so; `mintmark user sign-out` ends everything.
    """
    ended = do(operations.END, "ending grants …", sid=sid)
    if json:
        emit(ended)
    else:
        say(f"The session has ended; grants ended: {ended['grants_ended']}, sessions ended: {ended['sessions_ended']}.")
