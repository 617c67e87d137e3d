"""``mintmark refused …``: requests that were refused lately, and what to do about them."""

from typing import Annotated

import typer

from service.admin.operations import refusals as operations
from service.cli.listing import Cursor, Limit, collect, tell_rest
from service.cli.moments import Since, since_seconds
from service.cli.output import Json, emit, table

app = typer.Typer(no_args_is_help=True, help="Look at requests that were refused lately, and what to do about them.")

_COLUMNS = ("at", "client_id", "endpoint", "error", "reason", "detail", "address", "request_id")


@app.callback()
def _refused() -> None:
    """Keep ``list`` a command of its own while there is no other."""


@app.command("list")
def list_(
    client: Annotated[str, typer.Option(help="Of this client.", metavar="CLIENT_ID")] = "",
    error: Annotated[str, typer.Option(help="Answered with this error, such as invalid_grant.", metavar="ERROR")] = "",
    reason: Annotated[str, typer.Option(help="For this reason (docs/refusals.md).", metavar="REASON")] = "",
    since: Since = "",
    limit: Limit = 100,
    cursor: Cursor = "",
    json: Json = False,
) -> None:
    """List requests that were refused lately, the newest first; --json has what to do about each (`remedy`).

    Example: `mintmark refused list --client web --since 1h`

    Example: `mintmark refused list --error invalid_grant --json`

    About 2,000 are kept, for a week at most; where many are refused at once only some are here, and all are in the metrics.
    """
    wanted = {"client_id": client, "error": error, "reason": reason, "since": since_seconds(since)}
    found, following = collect(operations.LIST, "refused", limit, cursor, **wanted)
    if json:
        emit({"refused": found, "cursor": following})
        return
    table(found, _COLUMNS)
    tell_rest(following, len(found), "refused request")
