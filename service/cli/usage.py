"""Messages about wrong usage, without credentials that were typed in place of another argument."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperGroup
from typer.exceptions import TyperException

from service.protocol.redaction import redacted


class Program(TyperGroup):
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
