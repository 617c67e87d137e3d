"""Every member of a client's metadata, from the one table of them."""

from docs.generate.schemas import default_in_words
from docs.generate.tables import anchor, code, table
from service.cli.client_options import flag_of
from service.protocol.client_member import MemberGroup, Row, Shape
from service.protocol.client_metadata import ROWS

_HEAD = """# Client metadata

What can be said of a client, wherever it is said: by the command line (`mintmark client create`), the
[admin API](admin-api.md), the console, dynamic registration (RFC 7591), a client ID metadata document, or the
[decision API](decision-api.md). All of them derive from one table, which is this one. A client that registers itself may set
the members that are *registered*; an operator may set all.

Lifetimes are in seconds; one that is left out follows the [settings](settings.md), also when those change.
"""
_SHAPES = {
    Shape.TEXT: "text",
    Shape.NUMBER: "integer",
    Shape.SWITCH: "boolean",
    Shape.LIST: "list",
    Shape.OBJECT: "JSON object",
}


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(map(_section, MemberGroup))


def _section(group: MemberGroup) -> str:
    rows = (
        (f"{anchor(name)}`{name}`", _type(row), default_in_words(row.default), row.member.help, _names(row))
        for name, row in ROWS.items()
        if row.member.group is group
    )
    return f"\n## {group.value}\n\n{table(('member', 'value', 'default', 'what it does', 'elsewhere'), rows)}"


def _type(row: Row) -> str:
    if row.choices:
        words = " · ".join(map(code, row.choices))
        return f"list of {words}" if row.shape is Shape.CHOICES else words
    return _SHAPES[row.shape]


def _names(row: Row) -> str:
    names = [f"`{flag_of(row)}`"]
    if row.registered:
        names.append(f"registered: `{row.registered}`" if row.registered != row.name else "registered")
    if row.member.authlete:
        names.append(f"decision API: `{row.member.authlete}`")
    return "<br>".join(names)
