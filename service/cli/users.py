"""``mintmark user …``: users of the built-in directory."""

from typing import Annotated, Any

import orjson
import typer

from service.admin.operations import users as operations
from service.cli.acting import do
from service.cli.derived import add_command, add_list
from service.cli.json_output import Json
from service.cli.output import report
from service.cli.prompts import hidden
from service.cli.usage import WrongUsage

app = typer.Typer(no_args_is_help=True, help="Create users, set their passwords, disable and delete them.")

_ENDING = "ending grants …"
_ENDED = "grants ended: {grants_ended}, sessions ended: {sessions_ended}."


def _as_json(ended: dict[str, Any], how: str) -> dict[str, Any]:
    counts = {name: ended[name] for name in ("grants_ended", "sessions_ended")}
    return {"username": ended["username"], how: True, **counts}


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
Groups = Annotated[
    list[str] | None,
    typer.Option(
        "--group", help="A group (the claim groups); replaces all present ones. May be repeated.", metavar="NAME"
    ),
]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role", help="A role (the claim roles); replaces all present ones. May be repeated.", metavar="NAME"
    ),
]


@app.command()
def create(
    username: Annotated[
        str, typer.Argument(metavar="USERNAME", help="The name to sign in with; up to 255 characters.")
    ],
    subject: Annotated[
        str | None,
        typer.Option(help="The subject in tokens (`sub`), which never changes. By default the username.", metavar="ID"),
    ] = None,
    claims: Claims = None,
    groups: Groups = None,
    roles: Roles = None,
    password_stdin: PasswordStdin = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="The user cannot sign in by password.", metavar="")
    ] = False,
    json: Json = False,
) -> None:
    """Create a user. The password (at least 8 characters) is asked for, and kept as an argon2 hash.

    Example: `mintmark user create alice --claim email=alice@example.com`

    Example: `mintmark user create alice --group admins --group dev --password-stdin < password-file`
    """
    if no_password and password_stdin:
        raise WrongUsage("--no-password and --password-stdin exclude each other.")
    given: dict[str, Any] = {
        "username": username,
        "subject": subject,
        "claims": {name: value for name, value in _all_claims(claims, groups, roles).items() if value is not None},
    }
    operations.CREATE.read(given)  # show faults before the prompt for a password
    password = None if no_password else hidden("password", "--password-stdin", from_stdin=password_stdin)
    user = do(operations.CREATE, **given, password=password)
    report(user, f"User {user['username']} is created.", json)


add_list(
    app,
    operations.LIST,
    """List users, by username.

    Example: `mintmark user list --limit 0`
    """,
    "user",
    is_scan=True,
)


add_command(
    app,
    operations.SHOW,
    """Show a user.

    Example: `mintmark user show alice`
    """,
)


@app.command()
def update(
    username: UserName,
    claims: Claims = None,
    groups: Groups = None,
    roles: Roles = None,
    json: Json = False,
) -> None:
    """Set claims of a user; null removes one, an empty group or role all of them.

    Example: `mintmark user update alice --claim name=Alice --claim nickname:=null`
    """
    changes = _all_claims(claims, groups, roles)
    if not changes:
        raise WrongUsage("Nothing is to be changed: give at least one --claim, --group or --role.")
    user = do(operations.UPDATE, username=username, claims=changes)
    report(user, f"User {user['username']} is changed.", json)


@app.command("set-password")
def set_password(username: UserName, password_stdin: PasswordStdin = False, json: Json = False) -> None:
    """Set a user's password (at least 8 characters); it is asked for.

    Example: `mintmark user set-password alice`

    Ends every browser session of the user, as signing out does. What applications may use while the user is away
    (offline_access) stays; to end that too: `mintmark user sign-out alice`.
    """
    password = hidden("password", "--password-stdin", from_stdin=password_stdin)
    user = do(operations.SET_PASSWORD, username=username, password=password)
    report(user, ("User {username} has a new password; " + _ENDED).format(**user), json)


@app.command("set-user-code")
def set_user_code(
    username: UserName,
    user_code_stdin: Annotated[
        bool, typer.Option("--user-code-stdin", help="The code is the first line of standard input.", metavar="")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the code: clients need none.", metavar="")] = False,
    json: Json = False,
) -> None:
    """Set the code that a client must know to ask a user without a browser (CIBA), at least 4 characters; it is asked for.

    Example: `mintmark user set-user-code alice --user-code-stdin < code-file`

    Example: `mintmark user set-user-code alice --remove`
    """
    if remove and user_code_stdin:
        raise WrongUsage("--remove and --user-code-stdin exclude each other.")
    user_code = "" if remove else hidden("user code", "--user-code-stdin", from_stdin=user_code_stdin)
    user = do(operations.SET_USER_CODE, username=username, user_code=user_code)
    report(
        user, f"User {user['username']} has {'no' if remove else 'a'} user code{' any more' if remove else ''}.", json
    )


add_command(
    app,
    operations.SIGN_OUT,
    """Sign a user out everywhere: every browser session and grant ends, and the remembered consent is deleted.

    Example: `mintmark user sign-out alice`

    The user may sign in again at once. To prevent that: `mintmark user disable alice`.
    """,
    question="Sign out {username} everywhere, and end all grants and tokens of that user?",
    waiting=_ENDING,
    said="User {username} is signed out; " + _ENDED,
    as_json=lambda ended: _as_json(ended, "signed_out"),
)


add_command(
    app,
    operations.DISABLE,
    """Disable a user: sign-ins are refused, and all grants and tokens of the user end, for good.

    Example: `mintmark user disable alice --yes`
    """,
    question="Disable the user {username} and end all grants and tokens of that user?",
    waiting=_ENDING,
    said="User {username} is disabled; " + _ENDED,
    as_json=lambda ended: _as_json(ended, "disabled"),
)


add_command(
    app,
    operations.ENABLE,
    """Let a disabled user sign in again. Grants that were ended stay ended.

    Example: `mintmark user enable alice`
    """,
    said="User {username} is enabled.",
)
add_command(
    app,
    operations.DELETE,
    """Delete a user, and end all grants and tokens of the user.

    Example: `mintmark user delete alice --yes`
    """,
    question="Delete the user {username} and end all grants and tokens of that user?",
    waiting=_ENDING,
    said="User {username} is deleted; " + _ENDED,
    as_json=lambda ended: _as_json(ended, "deleted"),
)


def _all_claims(claims: list[str] | None, groups: list[str] | None, roles: list[str] | None) -> dict[str, Any]:
    lists = {"groups": groups, "roles": roles}
    said = {name: [one for one in names if one] or None for name, names in lists.items() if names is not None}
    return _read_claims(claims or []) | said


def _read_claims(texts: list[str]) -> dict[str, Any]:
    """Return the claims of ``name=text`` and ``name:=JSON``. Raises WrongUsage."""
    claims = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise WrongUsage(f"--claim {text}: write NAME=VALUE, or NAME:=JSON")
        try:
            claims[name.removesuffix(":")] = orjson.loads(value) if name.endswith(":") else value
        except orjson.JSONDecodeError as error:
            raise WrongUsage(f"--claim {text}: what follows := is not JSON ({error})") from error
    return claims
