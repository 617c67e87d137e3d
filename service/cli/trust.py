"""``mintmark trust …``: whose assertions are exchanged for tokens."""

from typing import Annotated, Any

import typer

from service.admin.operations import trusts as operations
from service.cli.acting import do
from service.cli.client_options import read_json
from service.cli.derived import add_command, add_list
from service.cli.output import Json, emit, facts, say
from service.protocol.names import SigningAlgorithm

app = typer.Typer(no_args_is_help=True, help="Trust other issuers to assert users: the JWT bearer grant (RFC 7523).")

IssuerName = Annotated[str, typer.Argument(metavar="ISSUER", help="As its assertions say it in iss.")]


def _many(help_: str, metavar: str, flag: str) -> Any:
    return typer.Option(flag, help=f"{help_} May be repeated; anything unless said.", metavar=metavar)


@app.command()
def add(
    issuer: IssuerName,
    jwks: Annotated[str | None, typer.Option(help="Its public keys, a JWK set.", metavar="JSON")] = None,
    jwks_uri: Annotated[str | None, typer.Option(help="Where its public keys are.", metavar="URL")] = None,
    algorithms: Annotated[list[SigningAlgorithm] | None, _many("What it signs with.", "ALG", "--algorithm")] = None,
    subjects: Annotated[list[str] | None, _many("A user that it may assert.", "ID", "--subject")] = None,
    scopes: Annotated[list[str] | None, _many("What its tokens may be for.", "SCOPES", "--scope")] = None,
    clients: Annotated[list[str] | None, _many("Who may bring its assertions.", "CLIENT_ID", "--client")] = None,
    audience: Annotated[
        str | None, typer.Option(help="What it may call this service, besides its own names.", metavar="TEXT")
    ] = None,
    json: Json = False,
) -> None:
    """Trust an issuer, in the place of what was said of it before.

    Example: `mintmark trust add https://ci.example.com --jwks-uri https://ci.example.com/jwks --client deployer --scope deploy`

    A client that is registered for the grant type urn:ietf:params:oauth:grant-type:jwt-bearer then gets tokens for the
    assertions of this issuer: for the subject that they name, unless --subject says otherwise.
    """
    given = {
        **{"issuer": issuer, "jwks": read_json("--jwks", jwks), "jwks_uri": jwks_uri, "audience": audience},
        **{"algorithms": algorithms or (), "subjects": subjects or (), "clients": clients or ()},
        "scopes": [word for text in scopes or () for word in text.split()],
    }
    trust = do(operations.PUT, **given)
    if json:
        emit(trust)
    else:
        facts(trust)
        say(f"{trust['issuer']} is trusted.")


add_list(
    app,
    operations.LIST,
    """List trusted issuers.

    Example: `mintmark trust list`
    """,
    "trusted issuer",
    is_scan=True,
)


add_command(
    app,
    operations.REMOVE,
    """Trust an issuer no more. Tokens that were issued for its assertions stay; end them by client or user.

    Example: `mintmark trust remove https://ci.example.com`
    """,
    question="Trust {issuer} no more?",
    said="{issuer} is not trusted any more.",
    as_json=lambda removed: removed | {"removed": True},
)
