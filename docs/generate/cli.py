"""Every command with its arguments and options, from the command line itself."""

from collections.abc import Iterator
from typing import Any

import typer

from docs.generate.schemas import default_in_words
from docs.generate.tables import table
from service.cli import exits, variables
from service.cli.program import program

_VARIABLES = {
    variables.URL_VARIABLE: "Act by the admin API of the service at this URL, as `--url` does.",
    variables.TOKEN_VARIABLE: "The token of an operator for it.",
    variables.TOKEN_FILE_VARIABLE: "The token is in this file, as `--token-file` says.",
    variables.CA_VARIABLE: "The certificate authority of that service, as `--ca-file` says.",
    variables.CERTIFICATE_VARIABLE: "Your certificate in the place of a token, as `--certificate-file` says.",
    variables.KEY_VARIABLE: "The key of your certificate, as `--key-file` says.",
}
_HEAD = """# Command line

{about}

{exits}.

Options of `mintmark` itself stand in front of the command:

{options}
{variables}
"""


def page() -> str:
    """The whole page."""
    root = typer.main.get_command(program())
    head = _HEAD.format(
        about=root.help,
        exits=exits.HELP,
        options=_options(root),
        variables=table(("variable", "what it does"), ((f"`{name}`", text) for name, text in _VARIABLES.items())),
    )
    return head + "".join(_group(name, command) for name, command in _commands(root))


def _commands(group: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 (typer's command, which has no public type)
    for name, command in getattr(group, "commands", {}).items():
        if not command.hidden:
            yield name, command


def _group(name: str, command: Any) -> str:  # noqa: ANN401
    if not hasattr(command, "commands"):
        return _command(name, command, "##")
    own = f"\n## `mintmark {name}`\n\n{command.help or ''}\n"
    return own + "".join(_command(f"{name} {inner}", one, "###") for inner, one in _commands(command))


def _command(name: str, command: Any, heading: str) -> str:  # noqa: ANN401
    usage = " ".join(command.collect_usage_pieces(typer.Context(command)))
    text = (command.help or "").replace("\b\n", "")
    return f"\n{heading} `mintmark {name}`\n\n{text}\n\n```text\nmintmark {name} {usage}\n```\n\n{_options(command)}"


def _options(command: Any) -> str:  # noqa: ANN401
    shown = (one for one in command.params if not one.hidden)
    return table(("argument or option", "what it is", "default"), map(_option, shown))


def _option(one: Any) -> tuple[str, str, str]:  # noqa: ANN401
    is_argument = one.param_type_name == "argument"
    name = one.metavar or one.name.upper() if is_argument else ", ".join((*one.opts, *one.secondary_opts))
    takes = "" if is_argument or getattr(one, "is_flag", False) else f" {one.metavar or one.name.upper()}"
    shown = one.default is not None and not callable(one.default) and one.default is not False
    default = "required" if one.required else default_in_words(one.default) if shown else ""
    return f"`{name}{takes}`", one.help or "", default
