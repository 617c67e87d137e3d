"""The command line as a whole: its groups, its global options, and how it ends."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from service import __version__
from service.cli import (
    admin_token,
    audit,
    clients,
    demo,
    everything,
    exits,
    grants,
    hooks,
    keys,
    refused,
    registration,
    remote,
    scopes,
    serve,
    sessions,
    settings,
    statistics,
    tokens,
    trust,
    users,
)
from service.cli.output import complain
from service.cli.usage import Program
from service.settings.sources import CONFIG_VARIABLE

_REMOTE = "A running service"
_RUN, _WHO, _WATCH = "Run it", "Who may do what", "Keep an eye on it"

app = typer.Typer(
    cls=Program,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=exits.HELP,
)
app.command("serve", rich_help_panel=_RUN)(serve.serve)
app.command("demo", rich_help_panel=_RUN)(demo.demo)
app.command("settings", rich_help_panel=_RUN)(settings.settings)
app.command("admin-token", rich_help_panel=_RUN)(admin_token.admin_token)
app.command("end-everything", rich_help_panel=_WHO)(everything.end_everything)
app.command("statistics", rich_help_panel=_WATCH)(statistics.statistics)
for name, group, panel in (
    ("client", clients, _WHO),
    ("user", users, _WHO),
    ("grant", grants, _WHO),
    ("session", sessions, _WHO),
    ("trust", trust, _WHO),
    ("registration", registration, _WHO),
    ("scope", scopes, _WHO),
    ("hook", hooks, _WATCH),
    ("token", tokens, _WATCH),
    ("audit", audit, _WATCH),
    ("refused", refused, _WATCH),
    ("key", keys, _WATCH),
):
    app.add_typer(group.app, name=name, rich_help_panel=panel)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"mintmark {__version__}\n")
        raise typer.Exit


def _file(text: str, variable: str) -> object:
    return typer.Option(help=f"{text}, as {variable} does.", metavar="FILE", rich_help_panel=_REMOTE)


@app.callback()
def mintmark(
    config: Annotated[
        Path | None,
        typer.Option(help=f"Read settings from this TOML or YAML file, as {CONFIG_VARIABLE} does.", metavar="FILE"),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            help=f"Do it by the admin API of a running service (its admin_port), as {remote.URL_VARIABLE} does; the token "
            f"of an operator is in {remote.TOKEN_VARIABLE}.",
            metavar="URL",
            rich_help_panel=_REMOTE,
        ),
    ] = None,
    token_file: Annotated[Path | None, _file("The token is in this file", remote.TOKEN_FILE_VARIABLE)] = None,
    ca_file: Annotated[Path | None, _file("Its certificate authority (PEM)", remote.CA_VARIABLE)] = None,
    certificate_file: Annotated[
        Path | None, _file("Your certificate in the place of a token (PEM)", remote.CERTIFICATE_VARIABLE)
    ] = None,
    key_file: Annotated[Path | None, _file("The key of your certificate (PEM)", remote.KEY_VARIABLE)] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", metavar="", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Mintmark, an OAuth 2.0 and OpenID Connect service: run it, and look after its clients, users, grants and keys.

    New here? `mintmark demo` brings everything up and prints commands to try.
    Each command explains itself: `mintmark client create --help`.

    Settings come from `MINTMARK_…` environment variables and a file; `mintmark settings` lists them all. Commands speak to
    Redis directly, or with `--url` to a service that runs elsewhere: `mintmark --url https://ops.example.com client list`.
    Always here: serve, demo, settings, admin-token, key master and hook secret.
    """
    given = {
        CONFIG_VARIABLE: config,
        remote.URL_VARIABLE: url,
        remote.TOKEN_FILE_VARIABLE: token_file,
        remote.CA_VARIABLE: ca_file,
        remote.CERTIFICATE_VARIABLE: certificate_file,
        remote.KEY_VARIABLE: key_file,
    }
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (``sys.argv`` unless given) and exit with one of ``exits``."""
    try:
        app(args=arguments, prog_name="mintmark")
    except exits.EXPECTED as error:
        complain(str(error))
        sys.exit(exits.code_of(error))
