"""The whole command line: its groups, global options and exit."""

import errno
import gc
import os
import sys
from collections.abc import Collection, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from service import __version__
from service.cli import exits, variables
from service.cli.usage import Command, Group, Program
from service.settings.sources import CONFIG_VARIABLE

_REMOTE = "A running service"
_RUN, _WHO, _WATCH = "Run it", "Who may do what", "Keep an eye on it"

_COMMANDS = {
    "serve": ("serve", _RUN),
    "demo": ("demo", _RUN),
    "operator": ("operator", _RUN),
    "settings": ("settings", _RUN),
    "admin-token": ("admin_token", _RUN),
    "login": ("login", _RUN),
    "end-everything": ("everything", _WHO),
    "statistics": ("statistics", _WATCH),
    "apply": ("apply", _WHO),
    "client": ("clients", _WHO),
    "user": ("users", _WHO),
    "grant": ("grants", _WHO),
    "session": ("sessions", _WHO),
    "trust": ("trust", _WHO),
    "resource": ("resources", _WHO),
    "registration": ("registration", _WHO),
    "scope": ("scopes", _WHO),
    "hook": ("hooks", _WATCH),
    "token": ("tokens", _WATCH),
    "audit": ("audit", _WATCH),
    "refused": ("refused", _WATCH),
    "key": ("keys", _WATCH),
}
"""The file of each command or group, with a function of its name or an ``app``, and its panel in the help."""

_LOST_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EPIPE)
"""Faults of a full disk, and of a reader that has gone."""


def program(names: Collection[str] = tuple(_COMMANDS)) -> typer.Typer:
    """Return the command line with these commands and groups."""
    app = typer.Typer(
        cls=Program,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=exits.HELP,
        callback=mintmark,
    )
    for name in names:
        file, panel = _COMMANDS[name]
        module = import_module(f"service.cli.{file}")
        if isinstance(group := getattr(module, "app", None), typer.Typer):
            for command in group.registered_commands:
                command.cls = Command
            app.add_typer(group, name=name, cls=Group, rich_help_panel=panel)
        else:
            app.command(name, cls=Command, rich_help_panel=panel)(getattr(module, name.replace("-", "_")))
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"mintmark {__version__}\n")
        raise typer.Exit


def _file(text: str, variable: str) -> object:
    return typer.Option(help=f"{text}, as {variable} does.", metavar="FILE", rich_help_panel=_REMOTE)


def mintmark(
    config: Annotated[
        Path | None,
        typer.Option(help=f"Read settings from this TOML or YAML file, as {CONFIG_VARIABLE} does.", metavar="FILE"),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            help=f"Do it by the admin API of a running service (its admin_port), as {variables.URL_VARIABLE} does; the token "
            f"of an operator is in {variables.TOKEN_VARIABLE}.",
            metavar="URL",
            rich_help_panel=_REMOTE,
        ),
    ] = None,
    token_file: Annotated[Path | None, _file("The token is in this file", variables.TOKEN_FILE_VARIABLE)] = None,
    ca_file: Annotated[Path | None, _file("Its certificate authority (PEM)", variables.CA_VARIABLE)] = None,
    certificate_file: Annotated[
        Path | None, _file("Your certificate in the place of a token (PEM)", variables.CERTIFICATE_VARIABLE)
    ] = None,
    key_file: Annotated[Path | None, _file("The key of your certificate (PEM)", variables.KEY_VARIABLE)] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", metavar="", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Mintmark, an OAuth 2.0 and OpenID Connect service: run it, and look after its clients, users, grants and keys.

    New here? `mintmark demo` brings everything up and prints commands to try.
    Each command explains itself: `mintmark client create --help`.

    Settings come from `MINTMARK_…` environment variables and a file; `mintmark settings` lists them all. Commands speak to
    Redis directly, or with `--url` to a service that runs elsewhere: `mintmark --url https://ops.example.com client list`.
    Always here: serve, demo, settings, admin-token, login, key master and hook secret.
    """
    given = {
        CONFIG_VARIABLE: config,
        variables.URL_VARIABLE: url,
        variables.TOKEN_FILE_VARIABLE: token_file,
        variables.CA_VARIABLE: ca_file,
        variables.CERTIFICATE_VARIABLE: certificate_file,
        variables.KEY_VARIABLE: key_file,
    }
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})


def _loaded_for_good(names: Collection[str]) -> typer.Typer:
    """Return the command line of this process, without garbage collection while it loads: that took a fifth of the start."""
    gc.disable()
    app = program(names)
    gc.freeze()
    gc.enable()
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (``sys.argv`` unless given) and exit with one of ``exits``.

    Only the command that is named is loaded, so that a server starts quickly and has no other commands in memory.
    """
    typed = sys.argv[1:] if arguments is None else arguments
    names = [name for name in _COMMANDS if name in typed] or _COMMANDS
    app = program(names) if arguments is not None else _loaded_for_good(names)
    try:
        try:
            app(args=arguments, prog_name="mintmark")
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except exits.EXPECTED as error:
        from service.cli.output import complain  # imported here, as it loads what draws tables

        complain(str(error))
        sys.exit(exits.code_of(error))
    except OSError as error:
        if error.errno not in _LOST_OUTPUT:
            raise
        _give_up_output(error)
        sys.exit(exits.REFUSED)


def _give_up_output(error: OSError) -> None:
    """Say that standard output takes no more, unless its reader has gone, and let Python write the rest nowhere."""
    from service.cli.output import complain  # imported here, as above

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno != errno.EPIPE:
        complain(f"Output could not be written: {error.strerror}. What the command changes may be done all the same.")
