"""``mintmark resource …``: the APIs and MCP servers that access tokens are for."""

from typing import Annotated, Any

import typer

from service.admin.operations import resources as operations
from service.cli.acting import do
from service.cli.derived import add_command, add_list
from service.cli.export import add_export
from service.cli.json_output import Json
from service.cli.output import facts, report
from service.cli.scope_words import hint_at_commas, scope_words
from service.cli.unsetting import Unset, check_members
from service.cli.usage import WrongUsage
from service.protocol.names import AccessTokenFormat, SigningAlgorithm

app = typer.Typer(
    no_args_is_help=True, help="Register the APIs and MCP servers that access tokens are for (RFC 8707, RFC 9728)."
)

_FLAGS = {
    "scopes": "--scope SCOPES",
    "access_token_format": "--token-format FORMAT",
    "access_token_signing_alg": "--token-alg ALG",
    "access_token_lifetime": "--token-lifetime SECONDS",
    "self_registered": "--self-registered",
    "managed_by": "--managed-by TEXT",
}
_SCOPE = typer.Option(
    "--scope",
    help="What clients that registered themselves may ask for there; a client of yours has its own scopes. May be repeated.",
    metavar="SCOPES",
)

add_command(
    app,
    operations.CREATE,
    """Register a resource: from now on clients may ask for tokens for it, and discovery lists it.

    Example: `mintmark resource create https://mcp.example.com/mcp --scope "mcp:tools" --self-registered`

    Clients that operators made have it among their --audience, and scopes of their own. With --self-registered
    every client that registered itself may ask for it, too, with its scopes; users still have to consent.
    """,
    flags=_FLAGS,
    show=facts,
    said="{resource} is registered.",
)
add_list(
    app,
    operations.LIST,
    """List registered resources.

    Example: `mintmark resource list`
    """,
)
add_command(
    app,
    operations.SHOW,
    """Show a registered resource.

    Example: `mintmark resource show https://mcp.example.com/mcp`
    """,
)


add_export(
    app,
    "OAuth2Resource",
    """Write resources as manifests, for files that `mintmark apply` reads.

    Example: `mintmark resource export > clients/resources.yaml`

    Those that files or a cluster declare already are left out unless they are named or --all is given.
    """,
)


@app.command()
def update(
    resource: Annotated[str, typer.Argument(metavar="RESOURCE", help="As clients name it.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="Its name for users.", metavar="TEXT")] = None,
    scopes: Annotated[list[str] | None, _SCOPE] = None,
    access_token_format: Annotated[
        AccessTokenFormat | None, typer.Option("--token-format", help="Format of its access tokens.", metavar="FORMAT")
    ] = None,
    access_token_signing_alg: Annotated[
        SigningAlgorithm | None, typer.Option("--token-alg", help="Signature of its JWT access tokens.", metavar="ALG")
    ] = None,
    access_token_lifetime: Annotated[
        int | None,
        typer.Option("--token-lifetime", help="Lifetime of its access tokens, at most.", min=1, metavar="SECONDS"),
    ] = None,
    self_registered: Annotated[
        bool,
        typer.Option("--self-registered", help="Clients that registered themselves may have it.", metavar=""),
    ] = False,
    managed_by: Annotated[
        str | None,
        typer.Option(help="Where it is declared: a Kubernetes object, or a set of files.", metavar="TEXT"),
    ] = None,
    unset: Unset = None,
    json: Json = False,
) -> None:
    """Change a resource. Members that are not given stay; scopes that are given replace all present ones.

    Example: `mintmark resource update https://mcp.example.com/mcp --scope "mcp:tools mcp:admin" --token-lifetime 600`

    Example: `mintmark resource update https://mcp.example.com/mcp --unset self_registered`
    """
    given: dict[str, Any] = {
        "name": name,
        "scopes": None if scopes is None else scope_words(scopes),
        "access_token_format": access_token_format,
        "access_token_signing_alg": access_token_signing_alg,
        "access_token_lifetime": access_token_lifetime,
        "self_registered": self_registered or None,
        "managed_by": managed_by,
    }
    check_members(unset or (), {one: _FLAGS.get(one, f"--{one}").partition(" ")[0] for one in given})
    changes = {one: value for one, value in given.items() if value is not None} | dict.fromkeys(unset or ())
    if not changes:
        raise WrongUsage("Nothing is to be changed: see `mintmark resource update --help`.")
    report(do(operations.UPDATE, resource=resource, **changes), f"{resource} is changed.", json)
    hint_at_commas(given["scopes"])


add_command(
    app,
    operations.DELETE,
    """Delete a resource: clients that registered themselves get no tokens for it any more. Issued tokens stay valid.

    Example: `mintmark resource delete https://mcp.example.com/mcp --yes`
    """,
    question="Delete the resource {resource}?",
    said="{resource} is deleted.",
    as_json=lambda deleted: deleted | {"deleted": True},
)
