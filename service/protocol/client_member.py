"""The rows of the client metadata table: the group of a member, its texts, and its names in the views."""

from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import msgspec
from pydantic import Field
from pydantic.fields import FieldInfo


class MemberGroup(StrEnum):
    """Groups of members, for display."""

    WHAT = "What it is"
    MAY = "What it may do"
    AUTHENTICATES = "How it authenticates"
    REQUESTS = "Authorization requests"
    SIGN_IN = "Signing users in"
    SIGN_OUT = "Signing users out"
    TOKENS = "Tokens"
    LIFETIMES = "Lifetimes"
    LINKS = "Links and contacts"


SAME = "="
"""The mark for a registered name that is the member's own."""


class Member(msgspec.Struct, frozen=True):
    """The content of a row besides name, type, check and default. An operator may set every member."""

    group: MemberGroup
    label: str
    help: str
    """Its effect, in one or two sentences, for the command line and the console."""
    registered: str = ""
    """Its name in RFC 7591 and OpenID Connect; "" if a client that registers itself may not set it."""
    authlete: str = ""
    """Its name in Authlete's Client object; ``extension.`` before those of its extension."""
    flag: str = ""
    """The command-line option, if its name is not the member's."""
    metavar: str = ""
    """The value that the option takes, if that does not follow from the type."""
    protects: bool = False
    """Whether it protects the client: one that registered itself cannot remove it."""


MemberValue = Any
"""The value of a member, of the type in its row."""


def row(
    default: MemberValue,
    group: MemberGroup,
    label: str,
    help_: str,
    *,
    registered: str = "",
    authlete: str = "",
    flag: str = "",
    metavar: str = "",
    protects: bool = False,
) -> MemberValue:
    """Make a field of the model with its ``Member``; typed as Any, like pydantic's ``Field``, as it is used as a default."""
    field = Field(default, description=help_)
    field.metadata.append(Member(group, label, help_, registered, authlete, flag, metavar, protects))
    return field


class Shape(StrEnum):
    """The shape of a value, wherever it is written."""

    TEXT = "text"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    CHOICES = "choices"
    LIST = "list"
    OBJECT = "object"


class Row(NamedTuple):
    """A row as the views use it."""

    name: str
    member: Member
    shape: Shape
    kind: type
    """The type of the value, or of each item of a list: bool, int, str, dict or an enumeration; str where there are several."""
    choices: tuple[str, ...]
    default: Any
    is_optional: bool
    """Whether it may be None."""

    @property
    def registered(self) -> str:
        """Its name in RFC 7591 and OpenID Connect; "" if only operators may set it."""
        return self.name if self.member.registered == SAME else self.member.registered


def _kinds(annotation: Any) -> list[type]:  # noqa: ANN401 (an annotation is no type yet)
    """Return the types in an annotation, without their checks: str and None of ``Annotated[str, …] | None``."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [kind for one in get_args(annotation) for kind in _kinds(one)]
    return [origin or annotation]


def read_row(name: str, member: Member, field: FieldInfo) -> Row:
    """Make the row of a field of the model."""
    kinds = _kinds(field.annotation)
    is_list, is_optional = tuple in kinds, NoneType in kinds
    items = _kinds(get_args(field.annotation)[0]) if is_list else [kind for kind in kinds if kind is not NoneType]
    kind = items[0] if len(items) == 1 else str
    choices = tuple(word.value for one in items if issubclass(one, StrEnum) for word in one)
    one, many = (Shape.CHOICE, Shape.CHOICES) if choices else (_SHAPES.get(kind, Shape.TEXT), Shape.LIST)
    shape = many if is_list else one
    return Row(name, member, shape, kind, choices, field.default, is_optional)


_SHAPES = {bool: Shape.SWITCH, int: Shape.NUMBER, dict: Shape.OBJECT, str: Shape.TEXT}
