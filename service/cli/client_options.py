"""An option of ``mintmark client create`` and ``update`` for each row of the client metadata table."""

import inspect
import json
from collections.abc import Callable
from typing import Annotated, Any

import typer

from service.cli.properties import PropertyTexts, read_properties
from service.cli.scope_words import scope_words
from service.cli.usage import WrongUsage
from service.grants import GRANT_TYPES
from service.protocol.client_member import MemberGroup, MemberValue, Row, Shape
from service.protocol.client_metadata import ROWS
from service.protocol.names import ContentEncryption, SigningAlgorithm

_METAVARS = {bool: "", int: "SECONDS", dict: "JSON", str: "TEXT", SigningAlgorithm: "ALG", ContentEncryption: "ENC"}


def flag_of(row: Row) -> str:
    """Return the option of a member: ``--redirect-uri`` for ``redirect_uris``, as the option is repeated for each item."""
    name = row.name.removesuffix("s") if row.shape in (Shape.LIST, Shape.CHOICES) else row.name
    return row.member.flag or f"--{name.replace('_', '-')}"


def _option(row: Row) -> object:
    """Return the typer option of a member, which may be left out."""
    if row.name == "properties":
        return PropertyTexts
    is_list = row.shape in (Shape.LIST, Shape.CHOICES)
    words = row.choices or (tuple(GRANT_TYPES) if row.name == "grant_types" else ())
    text = row.member.help + (f" One of {', '.join(words)}." if words else "")
    if row.choices and not row.is_optional:
        text += f" By default {', '.join(row.default) if is_list else row.default}."
    kind: Any = row.kind if row.shape is not Shape.OBJECT else str
    uri = "URI" if row.name.removesuffix("s").endswith("_uri") else ""
    option = typer.Option(
        flag_of(row),
        help=text + (" May be repeated." if is_list else ""),
        metavar=row.member.metavar or uri or _METAVARS[SigningAlgorithm if row.name.endswith("_alg") else row.kind],
        rich_help_panel=row.member.group.value,
    )
    return Annotated[(list[kind] if is_list else kind) | None, option]


MEMBERS: dict[str, Any] = {
    row.name: _option(row) for group in MemberGroup for row in ROWS.values() if row.member.group is group
}
"""The type of each member's option, in the order of the help."""


def with_option_for_each_member(command: Callable[..., None]) -> Callable[..., None]:
    """Put ``MEMBERS`` into the signature of a command, where typer reads its options."""
    own = inspect.signature(command)
    kept = [parameter for parameter in own.parameters.values() if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for name, option in MEMBERS.items()
    ]
    command.__signature__ = own.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
    command.__annotations__ = command.__annotations__ | MEMBERS
    return command


def given(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members whose options were used, in the form of ``ClientInput``. Raises WrongUsage."""
    return {name: _value(ROWS[name], value) for name, value in members.items() if value is not None}


def _value(row: Row, value: MemberValue) -> MemberValue:
    if row.name == "properties":
        return read_properties(value)
    if row.name == "scopes":
        return scope_words(value)
    return read_json(flag_of(row), value) if row.shape is Shape.OBJECT else value


def read_json(option: str, text: str) -> MemberValue:
    """Return the value of an option that takes JSON. Raises WrongUsage."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise WrongUsage(f"{option}: not JSON: {error}") from error
