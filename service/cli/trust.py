"""``mintmark trust …``: trusted issuers, and the uses of their JWTs."""

import typer

from service.admin.operations import trusts as operations
from service.cli.derived import add_command, add_list
from service.cli.export import add_export
from service.cli.output import facts

app = typer.Typer(
    no_args_is_help=True,
    help="Trust other issuers: to assert users (RFC 7523), for token exchange, ID-JAG and login hints, or to prove clients.",
)

add_command(
    app,
    operations.PUT,
    """Trust an issuer. If it is trusted already, its members are replaced.

    Example: `mintmark trust add https://ci.example.com --jwks-uri https://ci.example.com/jwks --client deployer --scope deploy`

    A client that is registered for the grant type urn:ietf:params:oauth:grant-type:jwt-bearer then gets tokens for the
    assertions of this issuer, for the subjects that they name, as far as --subject allows. With --use, its JWTs are accepted
    for other purposes instead: id-jag for identity assertion grants (ID-JAG), token-exchange for tokens that clients exchange
    (RFC 8693), login-hint for the login_hint_token of CIBA requests, client-authentication for workloads that authenticate as
    clients (federated_jwt). Repeat --use for several purposes.
    """,
    name="add",
    flags={
        "jwks": "--jwks JSON",
        "jwks_uri": "--jwks-uri URL",
        "algorithms": "--algorithm ALG",
        "subjects": "--subject ID",
        "scopes": "--scope SCOPES",
        "clients": "--client CLIENT_ID",
        "audience": "--audience TEXT",
        "uses": "--use USE",
        "subject_claim": "--subject-claim CLAIM",
        "subject_prefix": "--subject-prefix TEXT",
        "reusable": "--reusable",
        "managed_by": "--managed-by TEXT",
    },
    show=facts,
    said="{issuer} is trusted.",
)
add_list(
    app,
    operations.LIST,
    """List trusted issuers.

    Example: `mintmark trust list`
    """,
    "trusted issuer",
    is_scan=True,
)
add_export(
    app,
    "TrustedIssuer",
    """Write trusted issuers as manifests, for files that `mintmark apply` reads.

    Example: `mintmark trust export > clients/trusted-issuers.yaml`

    Those that files or a cluster declare already are left out unless they are named or --all is given.
    """,
)
add_command(
    app,
    operations.REMOVE,
    """Stop trusting an issuer. Tokens that were issued for its assertions stay valid; end them by client or user.

    Example: `mintmark trust remove https://ci.example.com`
    """,
    question="Trust {issuer} no more?",
    said="{issuer} is not trusted any more.",
    as_json=lambda removed: removed | {"removed": True},
)
