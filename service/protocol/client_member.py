"""What a row of the client metadata table says: which group a member is in, its words, and its names in the views."""

from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import msgspec
from pydantic import Field
from pydantic.fields import FieldInfo


class MemberGroup(StrEnum):
    """Members that belong together, for people."""

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
"""The registered name is that of the member."""


class Member(msgspec.Struct, frozen=True):
    """What a row says beside name, type, check and default. An operator may set every member."""

    group: MemberGroup
    label: str
    help: str
    """Its effect, in one or two sentences, for the command line and the console."""
    registered: str = ""
    """Its name in RFC 7591 and OpenID Connect; "" if a client that registers itself may not set it."""
    authlete: str = ""
    """Its name in Authlete's Client object; ``extension.`` before those of its extension."""
    flag: str = ""
    """The command-line option, if it is not called like the member."""
    metavar: str = ""
    """The value that the option takes, if that does not follow from the type."""
    protects: bool = False
    """Whether the client is safer where it is set: one that registered itself cannot take it off."""


MemberValue = Any
"""The value of a member: its row says of which type."""


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
    """A field of the model with its ``Member``; as Any, like pydantic's own ``Field``, so that it can stand for its default."""
    field = Field(default, description=help_)
    field.metadata.append(Member(group, label, help_, registered, authlete, flag, metavar, protects))
    return field


class Shape(StrEnum):
    """What a value looks like, wherever it is written."""

    TEXT = "text"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    CHOICES = "choices"
    LIST = "list"
    OBJECT = "object"


class Row(NamedTuple):
    """A row as the views read it."""

    name: str
    member: Member
    shape: Shape
    kind: type
    """Of the value, or of each item of a list: bool, int, str, dict or an enumeration; str where there are several."""
    choices: tuple[str, ...]
    default: Any
    is_optional: bool
    """Whether it may be None."""

    @property
    def registered(self) -> str:
        """Its name in RFC 7591 and OpenID Connect; "" if only operators may set it."""
        return self.name if self.member.registered == SAME else self.member.registered


def _kinds(annotation: Any) -> list[type]:  # noqa: ANN401 (an annotation is no type yet)
    """The types in an annotation, without what is checked of them: str and None of ``Annotated[str, …] | None``."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [kind for one in get_args(annotation) for kind in _kinds(one)]
    return [origin or annotation]


def read_row(name: str, member: Member, field: FieldInfo) -> Row:
    """The row of a field of the model."""
    kinds = _kinds(field.annotation)
    is_list, is_optional = tuple in kinds, NoneType in kinds
    items = _kinds(get_args(field.annotation)[0]) if is_list else [kind for kind in kinds if kind is not NoneType]
    kind = items[0] if len(items) == 1 else str
    choices = tuple(word.value for one in items if issubclass(one, StrEnum) for word in one)
    one, many = (Shape.CHOICE, Shape.CHOICES) if choices else (_SHAPES.get(kind, Shape.TEXT), Shape.LIST)
    shape = many if is_list else one
    return Row(name, member, shape, kind, choices, field.default, is_optional)


_SHAPES = {bool: Shape.SWITCH, int: Shape.NUMBER, dict: Shape.OBJECT, str: Shape.TEXT}
