"""``mintmark hook …``: code of the operator's own that is asked and told."""

import base64
import secrets
import sys
from typing import Annotated, Any

import orjson
import typer

from service.admin import hooks as admin
from service.cli.acting import act
from service.cli.output import Json, emit, table
from service.hook_settings import SECRET_PREFIX
from service.issuer import Issuer

app = typer.Typer(no_args_is_help=True, help="Look at the hooks, try one, make a secret for one.")

_BYTES = 32


@app.command("list")
def list_(json: Json = False) -> None:
    """List the hooks that the settings name, and what they are asked and told.

    Example: `mintmark hook list`
    """

    async def listed(issuer: Issuer) -> list[dict[str, Any]]:
        return admin.list_hooks(issuer)

    rows = act(listed)
    if json:
        emit({"hooks": rows})
    else:
        table(rows, ("name", "place", "events", "timeout", "on_failure"))


@app.command("test")
def try_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="See `mintmark hook list`.", show_default=False)],
    json: Json = False,
) -> None:
    """Send a hook a made-up event of each kind that it is there for; show what came back, and how long it took.

    Example: `mintmark hook test risk`

    The facts carry `"test": true`. Ends with 1 where an answer would not count.
    """
    tried = act(lambda issuer: admin.try_hook(issuer, name), "asking the hook …")
    rows = [
        {"event": one.event.value, "milliseconds": one.milliseconds, "answer": one.answer, "fault": one.fault}
        for one in tried
    ]
    if json:
        emit({"hook": name, "events": rows})
    else:
        shown = [
            row | {"answer": "" if row["answer"] is None else orjson.dumps(row["answer"]).decode()} for row in rows
        ]
        table(shown, ("event", "milliseconds", "answer", "fault"))
    if any(one.fault for one in tried):
        raise typer.Exit(1)


@app.command()
def secret(json: Json = False) -> None:
    """Print a fresh secret for the setting hook_secrets; nothing is stored.

    Example: `mintmark hook secret`

    To replace one, put the new one before the old one with a blank between; every delivery then carries both signatures. Drop
    the old one when the receiver knows the new one.
    """
    made = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()
    if json:
        emit({"secret": made})
    else:
        sys.stdout.write(made + "\n")
