"""``mintmark hook …``: the operator's hooks, which are asked and notified."""

import base64
import secrets
from typing import Annotated

import orjson
import typer

from service.admin.operations import hooks as operations
from service.cli.acting import do
from service.cli.derived import add_list
from service.cli.json_output import Json, emit, emit_secret
from service.cli.output import table
from service.settings.hooks import SECRET_PREFIX

app = typer.Typer(no_args_is_help=True, help="Look at the hooks, try one, make a secret for one.")

_BYTES = 32


add_list(
    app,
    operations.LIST,
    """List the hooks of the settings, with the decisions and notifications of each.

    Example: `mintmark hook list`
    """,
)


@app.command("test")
def try_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="See `mintmark hook list`.", show_default=False)],
    user: Annotated[str, typer.Option(help="About this user: username, or subject.", metavar="USERNAME")] = "",
    client: Annotated[
        str,
        typer.Option(
            help="About tokens of this client, with all its scopes: client_id, or alias.", metavar="CLIENT_ID"
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Send a hook an example of each of its events. Show its answers, and how many milliseconds they took.

    Example: `mintmark hook test risk`

    Example: `mintmark hook test crm --user alice --client web` shows what it would add to tokens of hers.

    The facts have `"test": true`; nothing is issued. The exit code is 1 if an answer is invalid.
    """
    about = {name: value for name, value in (("user", user), ("client", client)) if value}
    tried = do(operations.TRY, "calling the hook …", hook=name, **about)
    rows = tried["events"]
    if json:
        emit(tried)
    else:
        shown = [
            row | {"answer": "" if row["answer"] is None else orjson.dumps(row["answer"]).decode()} for row in rows
        ]
        table(shown, ("event", "milliseconds", "answer", "fault"))
    if any(row["fault"] for row in rows):
        raise typer.Exit(1)


@app.command()
def secret(json: Json = False) -> None:
    """Print a fresh secret for the setting hook_secrets; nothing is stored.

    Example: `mintmark hook secret`

    To replace one, put the new one before the old one, separated by a blank; every delivery then has both signatures. Remove
    the old one when the receiver has the new one.
    """
    emit_secret("secret", SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode(), json)
