"""``mintmark refused …``: recent requests that were refused, and the remedies."""

import typer

from service.admin.operations import refusals as operations
from service.cli.derived import add_list, stays_a_group

app = typer.Typer(
    no_args_is_help=True,
    callback=stays_a_group,
    help="Look at requests that were refused lately, and what to do about them.",
)


add_list(
    app,
    operations.LIST,
    """List recent requests that were refused, the newest first; --json has the remedy of each (`remedy`).

    Example: `mintmark refused list --client web --since 1h`

    Example: `mintmark refused list --error invalid_grant --json`

    About 2,000 are kept, for at most a week. If many are refused at once, only some are listed; the metrics count all.
    """,
    "refused request",
    flags={"client_id": "--client"},
)
