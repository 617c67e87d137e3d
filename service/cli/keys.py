"""``mintmark key …``: keys for signing, and keys for which clients encrypt."""

import secrets
import time
from typing import Any

import typer

from service.admin.operations import keys as operations
from service.cli.derived import add_command, add_list
from service.cli.json_output import Json, emit_secret
from service.cli.output import moment, say, table
from service.protocol.credentials import Kind, new_secret

app = typer.Typer(no_args_is_help=True, help="Look at our keys, rotate them, take one out of use.")


def _row(key: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a key; for a signing key with a successor, it says until when the key signs."""
    if key["state"] != "active" or not key["signs_until_at"]:
        return key
    return key | {"state": f"active for {max(0, key['signs_until_at'] - int(time.time()))} s more"}


def _show_made(made: dict[str, Any]) -> None:
    table(map(_row, made["keys"]), operations.LIST.columns)
    begins = moment(max(key["signs_from_at"] for key in made["keys"]))
    if all(key["use"] == "enc" for key in made["keys"]):
        say(
            f"They are published from {begins} on, in the place of those before them, which go on to decrypt for a day."
        )
        return
    say(f"They sign from {begins} on; until then the keys before them do, and are listed as active.")


add_list(
    app,
    operations.LIST,
    """List our keys: next ones are published and will sign, active ones sign, retired ones are still published.

    Example: `mintmark key list`

    Keys for which clients encrypt (use enc, setting encryption_algorithms) sign nothing: active ones are published, retired
    ones decrypt for one more day.
    """,
    row=_row,
)
add_command(
    app,
    operations.ROTATE,
    """Make the next keys. Every process publishes them within 6 seconds; they sign when everybody has seen them.

    Example: `mintmark key rotate`

    Example: `mintmark key rotate --algorithm ES256 --now`

    Keys rotate by themselves (setting signing_key_lifetime); this is for when you don't want to wait.
    """,
    flags={"algorithm": "--algorithm ALG", "at_once": "--now"},
    waiting="making keys …",
    show=_show_made,
)
add_command(
    app,
    operations.RETIRE,
    """Take a key out of use at once, if it may have leaked. Every process stops publishing it within 6 seconds.

    Example: `mintmark key retire Z85Mavnh0p8M9 --yes`

    Its tokens are refused by all who fetch our keys again, which they may delay for `jwks_lifetime` seconds; ID tokens in use
    fail until users sign in again.
    """,
    question="Take the key {kid} out of the published keys?",
    waiting="making keys …",
    said="The key {kid} ({algorithm}) is out of the key set: every process stops publishing it within 6 seconds, and another "
    "one is in its place.",
    as_json=lambda retired: {"kid": retired["kid"], "retired": True},
)


add_command(
    app,
    operations.RESEAL,
    """Encrypt the secrets of clients with client_secret_jwt anew under the first master key.

    Example: `mintmark key reseal`

    Signing keys are encrypted anew by themselves. Afterwards the old master key can be removed.
    """,
    waiting="looking at clients …",
    said="Secrets encrypted anew: {clients} clients.",
)


@app.command()
def master(json: Json = False) -> None:
    """Print a fresh master key, for the setting master_key; nothing is stored.

    Example: `mintmark key master > /run/secrets/master_key`

    To replace one, put the new one before the old one, separated by a blank, restart all processes, run
    `mintmark key reseal`, then remove the old one.
    """
    emit_secret("master_key", new_secret(Kind.MASTER_KEY, secrets.token_bytes), json)
