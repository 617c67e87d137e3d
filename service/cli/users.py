"""``mintmark user …``: people of the built-in directory."""

from typing import Annotated, Any

import orjson
import typer

from service.admin.operations import users as operations
from service.cli.acting import do
from service.cli.listing import Cursor, Limit, collect, each_once, tell_rest
from service.cli.output import Json, emit, facts, say, table
from service.cli.prompts import Yes, confirm, hidden

app = typer.Typer(no_args_is_help=True, help="Create users, set their passwords, disable and delete them.")

_ENDING = "ending grants …"

UserName = Annotated[str, typer.Argument(metavar="USERNAME", help="Username, or subject.", show_default=False)]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="The password is the first line of standard input.", metavar="")
]
Claims = Annotated[
    list[str] | None,
    typer.Option(
        "--claim", help="name=Alice, or email_verified:=true for JSON. May be repeated.", metavar="NAME=VALUE"
    ),
]


@app.command()
def create(
    username: Annotated[str, typer.Argument(metavar="USERNAME", help="What they sign in with; up to 255 characters.")],
    subject: Annotated[
        str | None,
        typer.Option(help="What tokens call them, for ever (`sub`). The username if nothing is said.", metavar="ID"),
    ] = None,
    claims: Claims = None,
    password_stdin: PasswordStdin = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="They cannot sign in by password.", metavar="")
    ] = False,
    json: Json = False,
) -> None:
    """Create a user. The password (at least 8 characters) is asked for, and kept as an argon2 hash.

    Example: `mintmark user create alice --claim email=alice@example.com`

    Example: `mintmark user create alice --password-stdin < password-file`
    """
    if no_password and password_stdin:
        raise typer.BadParameter("--no-password and --password-stdin exclude each other.")
    given: dict[str, Any] = {"username": username, "subject": subject, "claims": _read_claims(claims or [])}
    operations.CREATE.input.read(given)  # faults are told before a password is asked for
    password = None if no_password else hidden("password", "--password-stdin", from_stdin=password_stdin)
    user = do(operations.CREATE, **given, password=password)
    _tell(user, f"User {user['username']} is created.", json)


@app.command("list")
def list_(limit: Limit = 100, cursor: Cursor = "", json: Json = False) -> None:
    """List users, by username.

    Example: `mintmark user list --limit 0`
    """
    found, following = collect(operations.LIST, "users", limit, cursor)
    rows = each_once(found, "username")
    if json:
        emit({"users": rows, "cursor": following})
        return
    table(rows, ("username", "subject", "enabled", "has_password", "created_at"))
    tell_rest(following, len(rows), "user")


@app.command()
def show(username: UserName, json: Json = False) -> None:
    """Show a user.

    Example: `mintmark user show alice`
    """
    _tell(do(operations.SHOW, username=username), "", json)


@app.command()
def update(
    username: UserName,
    claims: Claims = None,
    json: Json = False,
) -> None:
    """Set claims of a user; null removes one.

    Example: `mintmark user update alice --claim name=Alice --claim nickname:=null`
    """
    if not claims:
        raise typer.BadParameter("Nothing is to be changed: give at least one --claim.")
    changes = _read_claims(claims)
    user = do(operations.UPDATE, username=username, claims=changes)
    _tell(user, f"User {user['username']} is changed.", json)


@app.command("set-password")
def set_password(username: UserName, password_stdin: PasswordStdin = False, json: Json = False) -> None:
    """Set a user's password (at least 8 characters); it is asked for.

    Example: `mintmark user set-password alice`

    Ends every browser session of theirs, as signing out does. What applications may use while the user is away
    (offline_access) stays; to end that too: `mintmark user sign-out alice`.
    """
    password = hidden("password", "--password-stdin", from_stdin=password_stdin)
    user = do(operations.SET_PASSWORD, username=username, password=password)
    _tell(user, f"User {user['username']} has a new password; {_ended(user)}.", json)


@app.command("sign-out")
def sign_out(username: UserName, yes: Yes = False, json: Json = False) -> None:
    """Sign a user out everywhere: every browser session and grant ends, and nothing that they allowed is remembered.

    Example: `mintmark user sign-out alice`

    They may sign in again at once; to keep them out: `mintmark user disable alice`.
    """
    confirm(f"Sign out {username} everywhere, and end all grants and tokens of theirs?", yes=yes)
    _tell_ended(do(operations.SIGN_OUT, _ENDING, username=username), "signed_out", json)


@app.command()
def disable(username: UserName, yes: Yes = False, json: Json = False) -> None:
    """Let a user sign in no more, and end all grants and tokens of theirs, for good.

    Example: `mintmark user disable alice --yes`
    """
    confirm(f"Disable the user {username} and end all grants and tokens of theirs?", yes=yes)
    _tell_ended(do(operations.DISABLE, _ENDING, username=username), "disabled", json)


@app.command()
def enable(username: UserName, json: Json = False) -> None:
    """Let a disabled user sign in again. Grants that were ended stay ended.

    Example: `mintmark user enable alice`
    """
    user = do(operations.ENABLE, username=username)
    _tell(user, f"User {user['username']} is enabled.", json)


@app.command()
def delete(username: UserName, yes: Yes = False, json: Json = False) -> None:
    """Delete a user, and end all grants and tokens of theirs.

    Example: `mintmark user delete alice --yes`
    """
    confirm(f"Delete the user {username} and end all grants and tokens of theirs?", yes=yes)
    _tell_ended(do(operations.DELETE, _ENDING, username=username), "deleted", json)


def _read_claims(texts: list[str]) -> dict[str, Any]:
    """``name=text`` and ``name:=JSON``. Raises BadParameter."""
    claims = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise typer.BadParameter(f"--claim {text}: write NAME=VALUE, or NAME:=JSON")
        try:
            claims[name.removesuffix(":")] = orjson.loads(value) if name.endswith(":") else value
        except orjson.JSONDecodeError as error:
            raise typer.BadParameter(f"--claim {text}: what follows := is not JSON ({error})") from error
    return claims


def _tell(user: dict[str, Any], message: str, json: bool) -> None:
    if json:
        emit(user)
    elif message:
        say(message)
    else:
        facts(user)


def _tell_ended(ended: dict[str, Any], how: str, json: bool) -> None:
    if json:
        counts = {name: ended[name] for name in ("grants_ended", "sessions_ended")}
        emit({"username": ended["username"], how: True, **counts})
    else:
        say(f"User {ended['username']} is {how.replace('_', ' ')}; {_ended(ended)}.")


def _ended(counts: dict[str, Any]) -> str:
    return f"grants ended: {counts['grants_ended']}, sessions ended: {counts['sessions_ended']}"
