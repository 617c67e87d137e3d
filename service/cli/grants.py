"""``mintmark grant …``: the permissions that users gave to clients."""

from typing import Annotated

import typer

from service.admin.operations import clients, tokens
from service.admin.operations import grants as operations
from service.cli.acting import IDS_MAY_BEGIN_WITH_A_DASH, do
from service.cli.json_output import Json, emit
from service.cli.listing import LOOKING, Cursor, Limit, collect, report_rest
from service.cli.output import facts, report, say, table, terminal
from service.cli.prompts import Yes, confirm, hidden
from service.cli.properties import PropertyTexts, read_properties
from service.cli.usage import WrongUsage

app = typer.Typer(no_args_is_help=True, help="Issue a code for a user; list, show and revoke grants.")

GrantId = Annotated[
    str, typer.Argument(metavar="GRANT_ID", help="The 22 characters after mm_at_ or mm_rt_ in a token.")
]
User = Annotated[str | None, typer.Option("--user", help="Username, or subject.", metavar="USERNAME")]
Client = Annotated[str | None, typer.Option("--client", help="client_id, or alias.", metavar="CLIENT_ID")]


Challenge = Annotated[
    str | None,
    typer.Option(help="PKCE: base64url of the SHA-256 of the verifier. Public clients need it.", metavar="CHALLENGE"),
]
ChallengeMethod = Annotated[
    str | None, typer.Option(help="S256, or plain where the client may. Default: S256.", metavar="METHOD")
]
Resources = Annotated[
    list[str] | None,
    typer.Option(
        "--resource",
        help="An audience for the tokens. May be repeated. Default: all of the client's.",
        metavar="RESOURCE",
    ),
]
RedirectUri = Annotated[
    str | None, typer.Option(help="A registered one; may be left out where the client has exactly one.", metavar="URI")
]
Scope = Annotated[str | None, typer.Option(help='"read write". Default: the default scope.', metavar="SCOPES")]


@app.command()
def code(
    client: Annotated[str, typer.Option(help="client_id, or alias.", metavar="CLIENT_ID")],
    user: Annotated[str, typer.Option(help="Username, or subject.", metavar="USERNAME")],
    scope: Scope = None,
    redirect_uri: RedirectUri = None,
    code_challenge: Challenge = None,
    code_challenge_method: ChallengeMethod = None,
    resources: Resources = None,
    properties: PropertyTexts = None,
    json: Json = False,
) -> None:
    """Issue an authorization code for a user, as if they had signed in and agreed; print the code.

    Example: `mintmark grant code --client web --user alice --scope "read write"`

    Example: `mintmark grant code --client web --user alice --property tenant=42:token:introspection --json`

    The client redeems it once, within the code's lifetime (60 seconds unless set otherwise), at the token endpoint:
    `grant_type=authorization_code`, `code`, `redirect_uri` if it was given here, `code_verifier` if there was a challenge.
    """
    issued = do(
        operations.ISSUE_CODE,
        client=client,
        user=user,
        scope=scope,
        redirect_uri=redirect_uri,
        code_challenge=code_challenge,
        code_challenge_method=code_challenge_method or ("S256" if code_challenge else None),
        resources=resources or (),
        properties=read_properties(properties or []),
    )
    if json:
        emit(issued)
        return
    terminal().print(issued["code"], markup=False, soft_wrap=True)
    say(f"The code is good for {issued['expires_in']} seconds, once.")


@app.command("list")
def list_(
    user: User = None, client: Client = None, limit: Limit = 100, cursor: Cursor = "", json: Json = False
) -> None:
    """List the living grants of a user or of a client.

    Example: `mintmark grant list --user alice`

    Grants of a client are found by a scan of all keys, which takes time if there are millions.
    """
    if (user is None) == (client is None):
        raise WrongUsage("Say whose: either --user or --client.")

    whose = {"user": user} if user is not None else {"client": client}
    found, following = collect(operations.LIST, "grants", limit, cursor, **whose)
    rows = list({grant["grant_id"]: grant for grant in found}.values())
    if json:
        emit({"grants": rows, "cursor": following})
        return
    table(rows, operations.LIST.columns)
    report_rest(following, len(rows), "grant")


@app.command(context_settings=IDS_MAY_BEGIN_WITH_A_DASH)
def show(
    grant_id: Annotated[
        str, typer.Argument(metavar="GRANT_ID", help="22 characters of a token.", show_default=False)
    ] = "",
    id_token_stdin: Annotated[
        bool, typer.Option("--id-token-stdin", help="Show the grant of the ID token on standard input.", metavar="")
    ] = False,
    json: Json = False,
) -> None:
    """Show a grant, by its id or by an ID token.

    Example: `mintmark grant show Yk3JvQ0fT0mZb2bXgqN1Aw`

    Example: `mintmark grant show --id-token-stdin < id_token.txt`
    """
    if bool(grant_id) == id_token_stdin:
        raise WrongUsage("Give a grant id, or --id-token-stdin.")
    if id_token_stdin:
        described = do(operations.FIND, id_token=hidden("ID token", "--id-token-stdin", from_stdin=True))
    else:
        described = do(operations.SHOW, LOOKING, grant_id=grant_id)
    if json:
        emit(described)
    else:
        facts(described)


@app.command(context_settings=IDS_MAY_BEGIN_WITH_A_DASH)
def issued(
    grant_id: Annotated[str, typer.Argument(metavar="GRANT_ID", help="22 characters of a token.", show_default=False)],
    json: Json = False,
) -> None:
    """List the live credentials that a grant has issued. There is no index for them, so all keys of a server are scanned.

    Example: `mintmark grant issued Yk3JvQ0fT0mZb2bXgqN1Aw`
    """
    found, _ = collect(tokens.LIST_ISSUED, "issued", 0, "", grant_id=grant_id)
    rows = list({one["handle"]: one for one in found}.values())
    if json:
        emit({"issued": rows})
        return
    table(rows, ("kind", "handle", "issued_at", "ends_at", "scope", "used"))
    report_rest("", len(rows), "credential")


@app.command(context_settings=IDS_MAY_BEGIN_WITH_A_DASH)
def revoke(
    grant_id: Annotated[str | None, typer.Argument(metavar="GRANT_ID", help="One grant.", show_default=False)] = None,
    user: User = None,
    client: Client = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """End a grant, all of a user, all of a user to a client, or all of a client, with every token they issued.

    Example: `mintmark grant revoke Yk3JvQ0fT0mZb2bXgqN1Aw`

    Example: `mintmark grant revoke --user alice --client web --yes`

    The living grants of a user are counted. All grants of a client end in one step, without being counted.
    """
    if (grant_id is None) == (user is None and client is None):
        raise WrongUsage("Say which: either a grant id, or --user and/or --client.")
    if grant_id is not None:
        _revoke_one(grant_id, json)
    elif user is not None:
        _revoke_of_user(user, client, yes, json)
    else:
        _revoke_of_client(client or "", yes, json)


def _revoke_one(grant_id: str, json: bool) -> None:
    do(operations.REVOKE, LOOKING, grant_id=grant_id)
    report({"grant_id": grant_id, "grants_ended": 1}, "The grant has ended, and every token it issued.", json)


def _revoke_of_user(user: str, client: str | None, yes: bool, json: bool) -> None:
    to = f" to the client {client}" if client else ""
    confirm(f"End every grant of the user {user}{to}?", yes=yes)
    ended = do(operations.REVOKE_OF_USER, "ending grants …", user=user, client=client)["grants_ended"]
    report({"user": user, "client": client, "grants_ended": ended}, f"Grants ended: {ended}.", json)


def _revoke_of_client(client: str, yes: bool, json: bool) -> None:
    confirm(f"End every grant and token of the client {client}, of all its users?", yes=yes)
    client_id = do(clients.REVOKE, client_id=client)["client_id"]
    ended = {"user": None, "client": client_id, "grants_ended": None}
    report(ended, f"All grants and tokens of the client {client_id} have ended.", json)
