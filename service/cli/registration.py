"""``mintmark registration …``: who may register clients."""

from typing import Annotated

import typer

from service.admin.operations import registration as operations
from service.cli.acting import do
from service.cli.output import Json, emit, facts, say

app = typer.Typer(no_args_is_help=True, help="Let others register clients themselves (setting registration).")


@app.command()
def token(
    uses: Annotated[
        int, typer.Option(help="How many clients it may register; -1 = any number.", min=-1, metavar="TIMES")
    ] = 1,
    lifetime: Annotated[int, typer.Option(help="How long it is good.", min=1, metavar="SECONDS")] = 86400,
    json: Json = False,
) -> None:
    """Make an initial access token (RFC 7591): its holder may register clients. It is shown now and never again.

    Example: `mintmark registration token --uses 10 --lifetime 3600`
    """
    made = do(operations.CREATE_TOKEN, uses=uses, lifetime=lifetime)
    setting = made.pop("registration")
    if json:
        emit(made)
        return
    facts({"initial_access_token": made["initial_access_token"]})
    if setting == "off":
        say("The setting registration is off, so it is of no use yet: MINTMARK_REGISTRATION=initial_access_token.")
    say("Keep it now: it is stored as a hash only and cannot be shown again.")
