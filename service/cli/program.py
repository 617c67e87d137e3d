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
    clients,
    demo,
    exits,
    grants,
    hooks,
    keys,
    registration,
    serve,
    settings,
    trust,
    users,
)
from service.cli.output import complain
from service.settings import CONFIG_VARIABLE

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=exits.HELP,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.add_typer(clients.app, name="client")
app.add_typer(users.app, name="user")
app.add_typer(grants.app, name="grant")
app.add_typer(keys.app, name="key")
app.add_typer(hooks.app, name="hook")
app.add_typer(trust.app, name="trust")
app.add_typer(registration.app, name="registration")
app.command("settings")(settings.settings)
app.command("admin-token")(admin_token.admin_token)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"mintmark {__version__}\n")
        raise typer.Exit


@app.callback()
def mintmark(
    config: Annotated[
        Path | None,
        typer.Option(help=f"Read settings from this TOML or YAML file, as {CONFIG_VARIABLE} does.", metavar="FILE"),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", metavar="", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Mintmark, an OAuth 2.0 and OpenID Connect service: run it, and look after its clients, users, grants and keys.

    New here? `mintmark demo` brings everything up and prints commands to try.
    Each command explains itself: `mintmark client create --help`.

    Settings come from `MINTMARK_…` environment variables and a file; `mintmark settings` lists them all.
    """
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (``sys.argv`` unless given) and exit with one of ``exits``."""
    try:
        app(args=arguments, prog_name="mintmark")
    except exits.EXPECTED as error:
        complain(str(error))
        sys.exit(exits.code_of(error))
