"""``mintmark client …``: the clients, which may request tokens."""

from typing import Annotated, Any

import typer

from service.admin.operations import clients as operations
from service.cli.acting import act, do
from service.cli.client_options import flag_of, given, with_option_for_each_member
from service.cli.derived import add_command, add_list
from service.cli.export import add_export
from service.cli.json_output import Json, emit
from service.cli.output import ENDED_BY_CHANGE, facts, report, say, table
from service.cli.prompts import hidden
from service.cli.unsetting import Unset, check_members
from service.cli.usage import WrongUsage
from service.client_auth import has_secret
from service.protocol.client_metadata import ROWS
from service.protocol.names import OPENID

app = typer.Typer(no_args_is_help=True, help="Register clients, change them, give them secrets, end what they hold.")

_SECRET = "Importing a secret"
_BOUNDS = frozenset({"scopes", "audiences"})
"""What a client may ask for; existing grants have what was allowed when they began."""

ClientName = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="client_id, or alias.", show_default=False)]
SecretStdin = Annotated[
    bool,
    typer.Option("--secret-stdin", help="The first line of standard input.", metavar="", rich_help_panel=_SECRET),
]
SecretPrompt = Annotated[
    bool,
    typer.Option("--secret-prompt", help="Typed at the terminal, hidden.", metavar="", rich_help_panel=_SECRET),
]


@app.command()
@with_option_for_each_member
def create(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT_ID", help="Printable ASCII without spaces, up to 255.")],
    secret_stdin: SecretStdin = False,
    secret_prompt: SecretPrompt = False,
    json: Json = False,
    **members: object,
) -> None:
    """Register a client. A confidential one gets a secret, which is shown now and never again.

    Example: `mintmark client create web --grant-type authorization_code --grant-type refresh_token
    --redirect-uri https://app.example.com/callback --scope "read write"`

    Example: `mintmark client create cron --grant-type client_credentials --scope read --access-token-lifetime 600`

    Example: `mintmark client create api --introspect --resource https://api.example.com`

    Lifetimes that are left out follow the settings (`mintmark settings`), also when those change.
    """
    described = {"client_id": client_id} | given(members)
    operations.CREATE.read(described)  # show faults before the prompt for a secret
    secret = _imported(stdin=secret_stdin, prompt=secret_prompt)
    new = do(operations.CREATE, **described, secret=secret)
    _report_new(new, f"Client {client_id} is registered.", json)
    if not json and OPENID in new["scopes"] and new["id_token_signed_response_alg"] is None:
        say(
            "Its ID tokens are signed with RS256, which every library verifies. If its library verifies ES256, that costs a "
            f"thirteenth: mintmark client update {client_id} --id-token-alg ES256"
        )


add_list(
    app,
    operations.LIST,
    """List clients, by client_id.

    Example: `mintmark client list --limit 0`

    Example: `mintmark client list --self-registered --unused-for 30d`
    """,
    "client",
    flags={"registered": "--self-registered"},
    is_scan=True,
)


add_command(
    app,
    operations.SHOW,
    """Show everything about a client but its secret, which nobody can show again.

    Example: `mintmark client show web`
    """,
)


add_export(
    app,
    "OAuth2Client",
    """Write clients as manifests, for files that `mintmark apply` reads; no secret is in them.

    Example: `mintmark client export > clients/all.yaml`

    Example: `mintmark client export web > clients/web.yaml`, then `mintmark apply -f clients/ --adopt`

    Clients that registered themselves are left out unless they are named, and those that files or a cluster declare already
    unless they are named or --all is given.
    """,
)


@app.command()
@with_option_for_each_member
def update(
    client_id: ClientName,
    unset: Unset = None,
    json: Json = False,
    **members: object,
) -> None:
    """Change a client. Members that are not given stay; a list that is given is replaced as a whole.

    Example: `mintmark client update web --scope "read write delete" --access-token-lifetime 600`

    Example: `mintmark client update web --unset access_token_lifetime --unset require_pkce`

    The names of members for --unset are those of `mintmark client show --json`. Secrets stay as they are, and so does what was
    issued before, with its scopes and audiences: `mintmark client revoke` ends it. All of it ends where the client knows its
    users by another sub afterwards (subject_type, sector).
    """
    changes = given(members) | _unset(unset or [])
    if not changes:
        raise WrongUsage("Nothing is to be changed: see `mintmark client update --help`.")
    narrowing = _BOUNDS & changes.keys()
    before = do(operations.SHOW, client_id=client_id) if narrowing else {}
    client = act(
        lambda perform: operations.end_and_sweep(perform, operations.UPDATE, {"client_id": client_id, **changes})
    )
    has_ended = client.get("ended")
    report(client, f"Client {client['client_id']} is changed.{f' {ENDED_BY_CHANGE}' if has_ended else ''}", json)
    if not has_ended and any(set(before[name]) - set(client[name]) for name in narrowing):
        say(
            "What was issued before keeps its scopes and audiences, and is refreshed with them. To end it: "
            f"mintmark client revoke {client['client_id']}"
        )
    if not json and changes.keys() & operations.HINTED:
        _show_hints(client)
    if has_secret(client["auth_method"]) and not client["secrets"]:
        say(f"It has no secret yet: mintmark client rotate-secret {client['client_id']}")


@app.command("rotate-secret")
def rotate_secret(
    client_id: ClientName,
    keep_old: Annotated[
        bool,
        typer.Option(
            "--keep-old", help="The last secret stays valid until the next rotation or --drop-old.", metavar=""
        ),
    ] = False,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Make no new secret; end the one that --keep-old kept.", metavar="")
    ] = False,
    secret_stdin: SecretStdin = False,
    secret_prompt: SecretPrompt = False,
    json: Json = False,
) -> None:
    """Give a client a new secret, which is shown now and never again. Its tokens stay.

    Example: `mintmark client rotate-secret web --keep-old`, give the client its new secret, then
    `mintmark client rotate-secret web --drop-old`

    Without --keep-old the old secret ends at once.
    """
    if drop_old and (keep_old or secret_stdin or secret_prompt):
        raise WrongUsage("--drop-old makes no new secret: it goes alone.")
    if drop_old:
        report(do(operations.DROP_OLD_SECRET, client_id=client_id), "The old secret has ended.", json)
        return
    secret = _imported(stdin=secret_stdin, prompt=secret_prompt)
    new = do(operations.ROTATE_SECRET, client_id=client_id, secret=secret, keep_old=keep_old)
    _report_new(new, f"Client {new['client_id']} has a new secret.", json)
    if new["managed_by"].startswith("kubernetes:"):
        say(
            f"It is kept by {new['managed_by']}, whose operator gives it one of its own at its next look. To have it make a "
            'new one by itself: kubectl annotate oauth2client NAME mintmark.dev/rotate-secret="$(date)" --overwrite'
        )


add_command(
    app,
    operations.DISABLE,
    """Refuse a client and all its grants and tokens, until it is enabled again.

    Example: `mintmark client disable web`
    """,
    said="Client {client_id} is disabled; its tokens count again when it is enabled.",
)


add_command(
    app,
    operations.ENABLE,
    """Enable a disabled client; its unexpired tokens become valid again.

    Example: `mintmark client enable web`
    """,
    said="Client {client_id} is enabled.",
)


@app.command()
def approve(
    client_id: ClientName,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Withdraw the approval: users are warned again.", metavar="")
    ] = False,
    json: Json = False,
) -> None:
    """Approve a client that registered itself, after checking its name and addresses. Users are then no longer warned of it.

    Example: `mintmark client approve WAq3rZ8k`

    See its name and addresses with `mintmark client show`. The approval ends when the client changes its registration.
    """
    if withdraw:
        client = do(operations.WITHDRAW_APPROVAL, client_id=client_id)
        report(client, f"Client {client['client_id']} is no longer approved: users are warned again.", json)
        return
    client = do(operations.APPROVE, client_id=client_id)
    where = ", ".join(client["redirect_uris"]) or "nowhere"
    report(client, f"Client {client['client_id']} is approved: {client['name'] or 'no name'}, leads to {where}.", json)


def _show_check(found: dict[str, Any]) -> None:
    """Show a line for each rule, with the remedy."""
    table(found["rules"], ("holds", "rule", "section", "to_do"))
    broken = sum(not rule["holds"] for rule in found["rules"])
    say(
        f"Client {found['client_id']} keeps {found['profile']}."
        if found["holds"]
        else f"Client {found['client_id']} breaks {broken} of {len(found['rules'])} rules of {found['profile']}."
    )


add_command(
    app,
    operations.CHECK,
    """Show for each rule of a security profile whether a client keeps it, and the remedy.

    Example: `mintmark client check web --profile fapi2_security`

    Without --profile, the profiles of the client and of the settings are checked.
    """,
    show=_show_check,
)


add_command(
    app,
    operations.REVOKE,
    """End every grant and token of a client, for good. The client itself stays and may request new ones.

    Example: `mintmark client revoke web --yes`
    """,
    question="End every grant and token of the client {client_id}, of all its users?",
    waiting="ending grants …",
    work=lambda do, given: operations.end_and_sweep(do, operations.REVOKE, given),
    said="All grants and tokens of the client {client_id} have ended.",
)
add_command(
    app,
    operations.DELETE,
    """Delete a client with all its grants and tokens.

    Example: `mintmark client delete web --yes`
    """,
    question="Delete the client {client_id} with all its grants and tokens?",
    waiting="ending grants …",
    work=lambda do, given: operations.end_and_sweep(do, operations.DELETE, given),
    said="Client {client_id} is deleted, and its tokens with it.",
    as_json=lambda deleted: {"client_id": deleted["client_id"], "deleted": True},
)


# reading options


def _unset(names: list[str]) -> dict[str, Any]:
    fields = {
        name: field
        for name, field in operations.UPDATE.input.model_fields.items()
        if name not in ("client_id", "if_match")
    }
    check_members(names, {name: flag_of(ROWS[name]) for name in fields})
    return {name: fields[name].default for name in names}


def _imported(*, stdin: bool, prompt: bool) -> str | None:
    return hidden("secret", "--secret-stdin", from_stdin=stdin) if stdin or prompt else None


# showing


def _report_new(new: dict[str, Any], message: str, json: bool) -> None:
    """Show a new secret; it cannot be shown again."""
    if json:
        emit(new)
        return
    say(message)
    facts({"client_id": new["client_id"], "client_secret": new["client_secret"]})
    _show_hints(new)
    if new["client_secret"]:
        say("Keep the secret now: it is stored as a hash only and cannot be shown again.")


def _show_hints(client: dict[str, Any]) -> None:
    for hint in client.get("hints", ()):
        say(hint)
