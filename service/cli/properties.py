"""``--property``: custom properties on a command line."""

from typing import Annotated, Any

import orjson
import typer

from service.cli.usage import WrongUsage

_FLAGS = {":token": "in_token_response", ":introspection": "in_introspection"}

PropertyTexts = Annotated[
    list[str] | None,
    typer.Option(
        "--property",
        metavar="NAME=VALUE",
        help="A custom property. End it with :token to show it in token responses, :introspection in introspection, or "
        "both; NAME:=JSON for other values than text. May be repeated.",
    ),
]


def read_properties(texts: list[str]) -> list[dict[str, Any]]:
    """Return the members of ``admin.input.PropertyInput`` for each text. Raises WrongUsage."""
    return [_read(text) for text in texts]


def _read(text: str) -> dict[str, Any]:
    flags = dict.fromkeys(_FLAGS.values(), False)
    while suffix := next((suffix for suffix in _FLAGS if text.endswith(suffix)), ""):
        text = text.removesuffix(suffix)
        flags[_FLAGS[suffix]] = True
    name, separator, value = text.partition("=")
    if not separator:
        raise WrongUsage(f"--property {text}: write NAME=VALUE, then :token and :introspection as wanted")
    if not name.endswith(":"):
        return {"name": name, "value": value, **flags}
    try:
        return {"name": name.removesuffix(":"), "value": orjson.loads(value), **flags}
    except orjson.JSONDecodeError as error:
        raise WrongUsage(f"--property {text}: what follows := is not JSON ({error})") from error
