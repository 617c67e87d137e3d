"""Messages about wrong usage, without credentials that were typed in place of another argument."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperGroup
from typer.exceptions import TyperException

from service.protocol.redaction import redacted


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
        with _without_credentials():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 (the parser's)
        """Run the command."""
        with _without_credentials():
            return super().invoke(ctx)


@contextmanager
def _without_credentials() -> Iterator[None]:
    try:
        yield
    except TyperException as error:
        if "message" in vars(error):
            vars(error)["message"] = redacted(str(vars(error)["message"]))
        raise
