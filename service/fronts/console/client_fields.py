"""The form of a client, derived from the client metadata table: a field for each row."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from service.admin.errors import InvalidInput
from service.fronts.console.pages import lines
from service.grants import GRANT_TYPES
from service.protocol.client_member import MemberGroup, MemberValue, Row, Shape
from service.protocol.client_metadata import ROWS
from service.protocol.whole_numbers import whole_number


class FieldKind(StrEnum):
    """The kinds of input for a field."""

    TEXT = "text"
    LONG = "long"
    LINES = "lines"
    WORDS = "words"
    NUMBER = "number"
    CHECK = "check"
    CHOICE = "choice"
    CHOICES = "choices"
    JSON = "json"


class Field(NamedTuple):
    """A field of the form."""

    name: str
    label: str
    hint: str
    kind: FieldKind
    choices: Mapping[str, str]
    """The texts by value; the value "" means the default of the settings."""
    is_optional: bool
    """Whether an empty text means None."""
    default: Any
    is_duration: bool


_KINDS = {
    Shape.TEXT: FieldKind.TEXT,
    Shape.NUMBER: FieldKind.NUMBER,
    Shape.SWITCH: FieldKind.CHECK,
    Shape.CHOICE: FieldKind.CHOICE,
    Shape.CHOICES: FieldKind.CHOICES,
    Shape.LIST: FieldKind.LINES,
    Shape.OBJECT: FieldKind.JSON,
}
_OWN_KINDS = {
    "description": FieldKind.LONG,
    "grant_types": FieldKind.CHOICES,
    "scopes": FieldKind.WORDS,
    "properties": FieldKind.JSON,
}
_HINTS = {FieldKind.LINES: " One a line.", FieldKind.WORDS: " With blanks between."}


def _field(row: Row) -> Field:
    kind = _OWN_KINDS.get(row.name) or _KINDS[row.shape]
    hint = row.member.help + _HINTS.get(kind, "")
    if row.name == "properties":
        hint += (
            ' A JSON list: [{"name": "tier", "value": "gold", "in_token_response": true, "in_introspection": true}].'
        )
    if kind is FieldKind.NUMBER:
        is_setting = row.member.group is MemberGroup.LIFETIMES and not row.member.metavar
        hint += " " if row.member.metavar else " In seconds. "
        hint += "Empty: as the settings say." if is_setting else "Empty: no limit."
    choices = dict.fromkeys(row.choices, "") if kind is FieldKind.CHOICES else {word: word for word in row.choices}
    if row.name == "grant_types":
        choices = {name: grant_type.help for name, grant_type in GRANT_TYPES.items()}
    elif kind is FieldKind.CHOICE and row.is_optional:
        choices = {"": "Default"} | choices
    is_duration = kind is FieldKind.NUMBER and not row.member.metavar
    return Field(row.name, row.member.label, hint, kind, choices, row.is_optional, row.default, is_duration)


FIELDS = {row.name: _field(row) for group in MemberGroup for row in ROWS.values() if row.member.group is group}
"""The fields in the order of the form, by groups."""


class FieldGroup(NamedTuple):
    """Fields that belong together."""

    heading: str
    fields: tuple[Field, ...]
    folded: bool
    """Whether the group is folded at first, as few operators need it."""
    has_secrets: bool
    """Whether the client's secrets are shown with them."""


_OPEN = (MemberGroup.WHAT, MemberGroup.MAY, MemberGroup.AUTHENTICATES, MemberGroup.REQUESTS)
GROUPS = tuple(
    FieldGroup(
        group.value,
        tuple(FIELDS[row.name] for row in ROWS.values() if row.member.group is group),
        group not in _OPEN,
        group is MemberGroup.AUTHENTICATES,
    )
    for group in MemberGroup
)
_IN_HEADING = ("name", "description")
_ALWAYS_SHOWN = ("grant_types", "scopes", "auth_method")


def facts_of(client: Mapping[str, Any]) -> list[FieldGroup]:
    """Return the groups with the members that differ from their defaults, without those in the heading of the page."""
    return [
        group._replace(fields=fields)
        for group in GROUPS
        if (
            fields := tuple(
                one
                for one in group.fields
                if one.name in _ALWAYS_SHOWN
                or (one.name not in _IN_HEADING and _written(one, client[one.name]) != _written(one, one.default))
            )
        )
    ]


def written(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the form for a client: a text, a set of chosen values, or whether a box is checked."""
    return {name: _written(field, described[name]) for name, field in FIELDS.items()}


def shown(parameters: Mapping[str, str]) -> list[str]:
    """Return the fields that the form had. A form of another release must not empty members that it did not have."""
    return [name for name in parameters.get("fields", "").split() if name in FIELDS]


def _written(field: Field, value: MemberValue) -> MemberValue:
    match field.kind:
        case FieldKind.LINES:
            return "\n".join(value)
        case FieldKind.WORDS:
            return " ".join(value)
        case FieldKind.CHOICES:
            return set(value)
        case FieldKind.CHECK:
            return bool(value)
        case FieldKind.JSON:
            return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if value else ""
        case _:
            return "" if value is None else str(value)


def sent(parameters: Mapping[str, str], names: Iterable[str]) -> dict[str, Any]:
    """Return the values of the form as they were sent, to show them again with faults."""
    return {name: _sent(FIELDS[name], parameters) for name in names}


def _sent(field: Field, parameters: Mapping[str, str]) -> object:
    if field.kind is FieldKind.CHOICES:
        return {value for value in field.choices if f"{field.name}.{value}" in parameters}
    if field.kind is FieldKind.CHECK:
        return field.name in parameters
    return parameters.get(field.name, "")


def members(parameters: Mapping[str, str], names: Iterable[str]) -> dict[str, Any]:
    """Return members of ``ClientInput`` from a form. Raises InvalidInput for an invalid number or JSON."""
    return {name: _member(FIELDS[name], _sent(FIELDS[name], parameters)) for name in names}


def changes(described: Mapping[str, Any], parameters: Mapping[str, str], names: Iterable[str]) -> dict[str, Any]:
    """Return the members whose fields were changed. The others stay, even if a form cannot show their values.

    Raises InvalidInput for an invalid number or JSON.
    """
    touched = differing(described, parameters, names)
    changed = members(parameters, touched)
    for name in touched:
        if FIELDS[name].kind is FieldKind.CHOICES:  # keep values that the form does not offer
            changed[name] += tuple(one for one in described[name] if one not in FIELDS[name].choices)
    return changed


def _settled(field: Field, value: object) -> object:
    """Return a value without differences that come from the form: blanks, line ends, and choices that it does not offer."""
    if isinstance(value, set):
        return value & set(field.choices)
    if not isinstance(value, str):
        return value
    return value.split() if field.kind in (FieldKind.WORDS, FieldKind.LONG) else lines(value)


def differing(described: Mapping[str, Any], parameters: Mapping[str, str], names: Iterable[str]) -> list[str]:
    """Return the names of fields whose values differ from the client's."""
    return [
        name
        for name in names
        if _settled(FIELDS[name], _written(FIELDS[name], described[name]))
        != _settled(FIELDS[name], _sent(FIELDS[name], parameters))
    ]


def _member(field: Field, value: MemberValue) -> MemberValue:
    match field.kind:
        case FieldKind.LINES:
            return tuple(lines(value))
        case FieldKind.WORDS:
            return tuple(value.split())
        case FieldKind.CHOICES:
            return tuple(one for one in field.choices if one in value)
        case FieldKind.CHECK:
            return value
        case FieldKind.NUMBER:
            return _number(field, value.strip())
        case FieldKind.JSON:
            return _json(field, value)
        case _:
            text = " ".join(value.split()) if field.kind is FieldKind.LONG else value.strip()
            return text or (None if field.is_optional else "")


def _number(field: Field, text: str) -> int | None:
    if not text:
        return None
    number = whole_number(text)
    if number is None:
        raise InvalidInput(f"{field.name}: must be a whole number")
    return number


def _json(field: Field, text: str) -> MemberValue:
    if not text.strip():
        return None if field.is_optional else ()
    try:
        return orjson.loads(text)
    except ValueError as error:
        raise InvalidInput(f"{field.name}: is not JSON") from error


def faults_of(error: Exception) -> dict[str, str]:
    """Return the faults by field; those of no field are under ""."""
    faults: dict[str, str] = {}
    for line in str(error).splitlines():
        where, _, text = line.partition(": ")
        name = where.partition(".")[0]
        if name not in FIELDS and name != "client_id":
            name, text = "", line
        faults[name] = f"{faults[name]} {text}" if name in faults else text
    return faults
