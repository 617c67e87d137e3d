"""``mintmark registration …``: who may register clients."""

from typing import Annotated

import typer

from service.admin import registration as admin
from service.cli.acting import act, loaded
from service.cli.output import Json, emit, facts, say
from service.store.registration_tokens import UNLIMITED

app = typer.Typer(no_args_is_help=True, help="Let others register clients themselves (setting registration).")


@app.command()
def token(
    uses: Annotated[
        int, typer.Option(help="How many clients it may register; -1 = any number.", min=-1, metavar="TIMES")
    ] = 1,
    lifetime: Annotated[int, typer.Option(help="How long it is good.", min=1, metavar="SECONDS")] = 86400,
    json: Json = False,
) -> None:
    """Make an initial access token (RFC 7591): whoever holds it may register clients. It is shown now and never again.

    Example: `mintmark registration token --uses 10 --lifetime 3600`
    """
    made = act(lambda issuer: admin.create_initial_access_token(issuer, uses=uses or UNLIMITED, lifetime=lifetime))
    if json:
        emit({"initial_access_token": made, "uses": uses, "lifetime": lifetime})
        return
    facts({"initial_access_token": made})
    if loaded().registration == "off":
        say("The setting registration is off, so it is of no use yet: MINTMARK_REGISTRATION=initial_access_token.")
    say("Keep it now: it is stored as a hash only and cannot be shown again.")
