"""What callers write to us: JSON or a form, read into a model. Members that we do not know are ignored: theirs grow."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from service.fronts.decision_api.answering import CallError
from service.fronts.decision_api.result_codes import ResultCode
from service.protocol.claims import is_deeper
from service.records.property import Property
from service.settings.faults import lines

_WORD = re.compile(r"[\s,]+")
MAX_TEXT = 65_536
_MAX_DEPTH = 10


class Body(BaseModel):
    """Base of the models: camelCase members, null as if it were not there (the SDKs send every member that they know)."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, alias_generator=to_camel, populate_by_name=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, members: Any) -> Any:
        is_object = isinstance(members, dict)
        return {name: value for name, value in members.items() if value is not None} if is_object else members

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> Self:
        """The body, checked. Raises CallError with every fault, but never what was written: it may be a secret."""
        try:
            return cls.model_validate(dict(members))
        except ValidationError as error:
            faults = lines(error, "there is no such member", dict(members))
        raise CallError(ResultCode.MALFORMED, "; ".join(faults)[:1000])


class Nothing(Body):
    """Of calls that need no body."""


def _as_words(value: Any) -> Any:
    """In a form a list is one text with blanks or commas between the words."""
    return [word for word in _WORD.split(value) if word] if isinstance(value, str) else value


def as_json(value: Any) -> Any:
    """In a form a list of objects, and an object, is JSON in a text."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value) if value else []
    except orjson.JSONDecodeError as error:
        raise ValueError("is not JSON") from error


def _json_object(value: Any) -> Any:
    """Claims come as a text that holds a JSON object."""
    value = as_json(value) if value else {}
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object, as a text")
    if is_deeper(value, _MAX_DEPTH):
        raise ValueError(f"is nested more than {_MAX_DEPTH} deep")
    return value


class PropertyBody(Body):
    """Authlete's Property: ``hidden`` ones are shown to resource servers of the caller's own only."""

    key: Annotated[str, Field(min_length=1, max_length=255)]
    value: str = ""
    hidden: bool = False

    def record(self) -> Property:
        """As it is kept."""
        return Property(self.key, self.value, in_token_response=not self.hidden, in_introspection=not self.hidden)


Text = Annotated[str, Field(max_length=MAX_TEXT)]
Words = Annotated[tuple[str, ...], BeforeValidator(_as_words), Field(max_length=200)]
PropertiesBody = Annotated[tuple[PropertyBody, ...], BeforeValidator(as_json), Field(max_length=100)]
JsonObject = Annotated[dict[str, Any], BeforeValidator(_json_object)]


def property_json(member: Property) -> dict[str, Any]:
    """A property as Authlete writes it; values other than text are JSON."""
    value = member.value if isinstance(member.value, str) else orjson.dumps(member.value).decode()
    return {"key": member.name, "value": value, "hidden": not (member.in_token_response or member.in_introspection)}
