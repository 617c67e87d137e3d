"""``mintmark registration …``: permission to register clients."""

from typing import Any

import typer

from service.admin.operations import registration as operations
from service.cli.derived import add_command
from service.cli.output import facts, say

app = typer.Typer(no_args_is_help=True, help="Let others register clients themselves (setting registration).")


def _show(made: dict[str, Any]) -> None:
    facts({"initial_access_token": made["initial_access_token"]})
    if made["registration"] == "off":
        say("The setting registration is off, so it is of no use yet: MINTMARK_REGISTRATION=initial_access_token.")


add_command(
    app,
    operations.CREATE_TOKEN,
    """Make an initial access token (RFC 7591): its holder may register clients. It is shown now and never again.

    Example: `mintmark registration token --uses 10 --lifetime 3600`
    """,
    name="token",
    flags={"uses": "--uses TIMES", "lifetime": "--lifetime SECONDS"},
    show=_show,
    said="Keep it now: it is stored as a hash only and cannot be shown again.",
    as_json=lambda made: {name: value for name, value in made.items() if name != "registration"},
)
