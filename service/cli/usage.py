"""Messages about wrong usage: in plain words, with the names that were typed, and without credentials."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from pydantic import ValidationError
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from service.admin.errors import AdminError
from service.protocol.redaction import redacted
from service.settings.faults import plain

_FAULT = re.compile(r"(\w+)((?:\.[^\s.:]+)*): ")
"""The member that a fault is about, and the place within it."""
_NAME = re.compile(r"(?<!setting )(?<![\w'`/.-])(?:jwks|[a-z]+(?:_[a-z]+)+)(?![\w'`/=-])")
"""A name that is neither a setting's nor a word of a sentence, nor part of a URL, a command or what was typed."""


class WrongUsage(typer.BadParameter):
    """Arguments that do not go together, or a value whose fault names its option by itself."""

    def format_message(self) -> str:
        """Return the text as it is: it needs no "Invalid value" in front."""
        return self.message


class Group(TyperGroup):
    """Commands whose help shows --help as it shows every other flag: without a type."""

    def get_help_option(self, ctx: Any) -> Any:  # noqa: ANN401 (typer's, which have no public type)
        """Return the option --help of the group."""
        return _without_type(super().get_help_option(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """Return a command, or None."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            _without_type(command.get_help_option(ctx))  # each command keeps the one that it made
        return command


def _without_type(option: Any) -> Any:  # noqa: ANN401
    if option is not None:
        option.metavar = ""
    return option


class Program(Group):
    """The whole command line. All messages about arguments pass here to be redacted, as CI keeps them in its log."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 (the parser's)
        """Parse the arguments."""
        with _in_plain_words():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 (the parser's)
        """Run the command."""
        with _in_plain_words():
            return super().invoke(ctx)


@contextmanager
def _in_plain_words() -> Iterator[None]:
    try:
        yield
    except TyperException as error:
        if "message" in vars(error):
            text = str(vars(error)["message"])
            if isinstance(error.__cause__, ValidationError):  # typer checks values by pydantic
                text = plain(error.__cause__.errors()[0]["type"], text)
            vars(error)["message"] = redacted(text)
        raise


class Command(TyperCommand):
    """A command whose refusals name its options, where its operation names the members of its input."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 (the parser's)
        """Run the command. Raises AdminError with the names of the options."""
        try:
            return super().invoke(ctx)
        except AdminError as error:
            typed = {str(one.name): _as_typed(one) for one in self.params}
            faults = [_of_option(line, typed) for line in str(error).splitlines()]
            raise type(error)("\n".join(dict.fromkeys(faults))) from error


def _as_typed(parameter: Any) -> str:  # noqa: ANN401 (the parser's)
    """Return the long name of an option, or what stands for an argument in the help."""
    return next((str(name) for name in parameter.opts if name.startswith("--")), str(parameter.metavar))


def _of_option(fault: str, typed: Mapping[str, str]) -> str:
    """Return ``--redirect-uri (number 2): …`` for ``redirect_uris.1: …``."""
    found = _FAULT.match(fault)
    if not found or found[1] not in typed:
        return _with_options(fault, typed)
    within = [f"number {int(part) + 1}" if part.isdigit() else part for part in found[2].split(".")[1:] if part != "0"]
    where = f" ({', '.join(within)})" if within else ""
    return f"{typed[found[1]]}{where}: {_with_options(fault[found.end() :], typed)}"


def _with_options(text: str, typed: Mapping[str, str]) -> str:
    """Return a text with the options in the place of the members that it names beside, such as ``jwks_uri``."""
    options = {name: option for name, option in typed.items() if option.startswith("--")}
    return _NAME.sub(lambda name: options.get(name[0], name[0]), text)
