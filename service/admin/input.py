"""Input of operators: the base of the input models, and the kinds of text they share.

All faults are listed at once, by the name of the field; the input is not repeated, as it may be a secret.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from service.admin.errors import InvalidInput
from service.protocol.checked_types import ShortText
from service.protocol.claims import is_deeper
from service.protocol.credentials import PATTERN
from service.protocol.names import INTROSPECTION_MEMBERS, TOKEN_RESPONSE_MEMBERS
from service.protocol.redaction import check_no_credential
from service.records.property import Property
from service.settings.faults import lines, whole

_MAX_DEPTH = 10
_MAX_ITEMS = 2000
"""The most items of a list or object: each gets its own fault, and 64 KB of faulty ones would cost as much as hundreds of
requests."""


Name = Annotated[str, Field(min_length=1, max_length=255)]
Word = Annotated[str, Field(max_length=300)]
Since = Annotated[
    int, Field(ge=0, le=253_402_300_800, description="Only what is not older than this: epoch seconds; 0 = anything.")
]


class MatchNeeded:
    """Marks a version that must be given, to prevent lost updates (RFC 6585 3)."""


IfMatch = Annotated[
    str | None, Field(description="The ETag of what is to be changed; * = whatever it is now."), MatchNeeded()
]
OptionalIfMatch = Annotated[
    str | None, Field(description="The ETag of what is to be changed or to end; left out, or *: whatever it is now.")
]
"""Like ``IfMatch``, for records that may be changed or ended without having been read."""


Rules = Sequence[Callable[[Any], Iterable[str]]]


class Input(BaseModel):
    """Base of the models: unknown members are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    DISAGREEMENTS: ClassVar[Rules] = ()
    """Checks of members that do not go together; called also where others are faulty by themselves."""

    @model_validator(mode="wrap")
    @classmethod
    def _whole(cls, written: object, validate: ModelWrapValidatorHandler[Self]) -> Self:
        return whole(cls._said(written), validate, cls.DISAGREEMENTS)

    @classmethod
    def _said(cls, written: object) -> object:
        """Read null as the default: on creation it means left out, in a change reset (RFC 7396)."""
        if not isinstance(written, Mapping):
            return written
        fields = cls.model_fields
        nulls = {name for name, value in written.items() if value is None and name in fields}
        defaults = {
            name: fields[name].get_default(call_default_factory=True)
            for name in nulls
            if not fields[name].is_required()
        }
        return {**written, **defaults} if defaults else written

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Return the checked input. Raises InvalidInput with every fault."""
        check_sizes(data)
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            faults = lines(error, "there is no such member", dict(data), cls.model_fields)
        raise InvalidInput("\n".join(faults))


def check_sizes(data: Mapping[str, Any]) -> None:
    """Check the sizes of lists and objects, as long ones cost too much to be validated. Raises InvalidInput."""
    long = sorted(
        name for name, value in data.items() if isinstance(value, list | tuple | dict) and len(value) > _MAX_ITEMS
    )
    if long:
        raise InvalidInput("\n".join(f"{name}: has more than {_MAX_ITEMS} items" for name in long))


def filled(text: str) -> str:
    """Check that a text is not empty. Raises ValueError."""
    if not text:
        raise ValueError("must not be empty")
    return text


def shallow(value: object) -> object:
    """Check that JSON can be written wherever it is shown: in a list it is a few levels deeper. Raises ValueError."""
    if is_deeper(value, _MAX_DEPTH):
        raise ValueError(f"is nested more than {_MAX_DEPTH} deep")
    return value


def writable(value: object) -> object:
    """Check that JSON can be written for everybody: YAML has numbers that it has not. Raises ValueError."""
    try:
        orjson.dumps(value)
        json.dumps(value, allow_nan=False)
    except (orjson.JSONEncodeError, ValueError) as error:
        raise ValueError("holds a number that JSON cannot carry: one of more than 64 bits, or none") from error
    return value


def no_credential_of_ours(value: object) -> object:
    """Check that JSON holds no credential of ours; a JWT of another issuer may be a claim (OpenID Connect Core 5.6.2).

    Raises:
        ValueError: It holds one.
    """
    for found in PATTERN.findall(json.dumps(value)):
        check_no_credential(found)
    return value


Json = Annotated[JsonValue, AfterValidator(writable), AfterValidator(no_credential_of_ours), BeforeValidator(shallow)]


def overridden(given: "PropertyInput | Property") -> Iterator[str]:
    """Return a fault for each registered member that a property would have to replace where it is shown."""
    if given.in_token_response and given.name in TOKEN_RESPONSE_MEMBERS:
        yield f"{given.name} is a registered member of token responses: choose another name"
    if given.in_introspection and given.name in INTROSPECTION_MEMBERS:
        yield f"{given.name} is a registered member of introspection: choose another name"


class PropertyInput(Input):
    """A custom property; it never replaces a registered member."""

    DISAGREEMENTS: ClassVar[Rules] = (overridden,)
    name: Annotated[ShortText, AfterValidator(filled)]
    value: Json
    in_token_response: bool = False
    in_introspection: bool = False

    def record(self) -> Property:
        """Return the property as it is stored."""
        return Property(self.name, self.value, self.in_token_response, self.in_introspection)


def _named_once(properties: tuple[PropertyInput, ...]) -> tuple[PropertyInput, ...]:
    names = [member.name for member in properties]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)}: given more than once")
    return properties


Properties = Annotated[tuple[PropertyInput, ...], AfterValidator(_named_once)]


def describe_property(member: Property) -> dict[str, Any]:
    """Return a property as output."""
    return {
        "name": member.name,
        "value": member.value,
        "in_token_response": member.in_token_response,
        "in_introspection": member.in_introspection,
    }
