"""The types of members of bodies, both in JSON and in forms."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

import msgspec
import orjson
from pydantic import BeforeValidator, Field, GetPydanticSchema, field_validator
from pydantic_core import core_schema

from service.admin.input import overridden
from service.crypto.dpop_proofs import HEADER
from service.fronts.decision_api.call import Body
from service.protocol.claims import is_deeper
from service.protocol.request import Request
from service.records.property import Property
from service.settings.faults import refuse

_WORD = re.compile(r"[\s,]+")
MAX_TEXT = 65_536
_MAX_DEPTH = 10
NO_CHOSEN_VALUES = "values cannot be chosen: tokens carry the id of their grant; leave it out and one is made"
NO_JWT_CLAIMS = "claims of JWT access tokens come from properties and scopes"
NO_ID_TOKEN_HEADERS = "headers of ID tokens cannot be added"
OWN_LIFETIMES = "tokens have the lifetimes of their client"


def _as_words(value: object) -> object:
    """Split the words of a list, which is one text with blanks or commas in a form."""
    return [word for word in _WORD.split(value) if word] if isinstance(value, str) else value


def as_json(value: object) -> object:
    """Parse a list of objects or an object, which is JSON in a text in a form."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value) if value else []
    except orjson.JSONDecodeError as error:
        raise ValueError("is not JSON") from error


def _json_object(value: object) -> object:
    """Parse claims, which are a JSON object in a text."""
    value = as_json(value) if value else {}
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object, as a text")
    if is_deeper(value, _MAX_DEPTH):
        raise ValueError(f"is nested more than {_MAX_DEPTH} deep")
    return value


class PropertyBody(Body):
    """Authlete's Property."""

    key: Annotated[str, Field(min_length=1, max_length=255)]
    value: str = ""
    hidden: bool = False
    """Whether only the caller's own resource servers see it."""

    def record(self) -> Property:
        """Return the property in the form in which it is stored."""
        return Property(self.key, self.value, in_token_response=not self.hidden, in_introspection=not self.hidden)


def one_of(words: Iterable[str]) -> GetPydanticSchema:
    """Return the restriction of a member to these words, which the reference lists."""
    expected = list(words)
    return GetPydanticSchema(lambda _, __: core_schema.literal_schema(expected))


Text = Annotated[str, Field(max_length=MAX_TEXT)]
Words = Annotated[tuple[str, ...], BeforeValidator(_as_words), Field(max_length=200)]
PropertiesBody = Annotated[tuple[PropertyBody, ...], BeforeValidator(as_json), Field(max_length=100)]
JsonObject = Annotated[dict[str, Any], BeforeValidator(_json_object)]
Duration = Annotated[int, Field(ge=0, le=2_147_483_647)]
"""Seconds; 0: the lifetime of the client."""
Subject = Annotated[str, Field(max_length=255)]


class DpopBody(Body):
    """DPoP in the request of a client (RFC 9449); ``dpopNonce`` of the answer is for the header DPoP-Nonce."""

    dpop: Text = ""
    """The value of the one DPoP header."""
    htm: Text = ""
    """The HTTP method of the request."""
    htu: Text = ""
    """The URL of the request as clients know it; "": that of our own endpoint."""
    dpop_nonce_required: bool = False
    """Whether the proof needs a nonce even if the settings require none."""

    def proving(self, request: Request) -> Request:
        """Return the request with its DPoP proof, method and URL."""
        if not self.dpop:
            return request
        method, url = self.htm or request.method, self.htu or request.url
        proving: Request = msgspec.structs.replace(request, headers={HEADER: self.dpop}, method=method, url=url)
        return proving


class AdditionsBody(Body):
    """The additions of a caller to the tokens of a client; the caller cannot choose the tokens' values."""

    properties: PropertiesBody = ()
    access_token_duration: Duration = 0
    access_token: Text = ""
    jwt_at_claims: Text = ""
    UNSUPPORTED: ClassVar[Mapping[str, str]] = {"access_token": NO_CHOSEN_VALUES, "jwt_at_claims": NO_JWT_CLAIMS}

    @field_validator("properties")
    @classmethod
    def _replace_nothing(cls, properties: tuple[PropertyBody, ...]) -> tuple[PropertyBody, ...]:
        refuse(fault for member in properties for fault in overridden(member.record()))
        return properties

    def added(self) -> tuple[Property, ...]:
        """Return the properties in the form in which they are stored."""
        return tuple(member.record() for member in self.properties)


def properties_json(*groups: Iterable[Property]) -> list[dict[str, Any]] | None:
    """Return properties in Authlete's form, None where there are none; values other than text are in JSON.

    Of several with one name the last counts, as in a token response and in introspection.
    """
    by_name = {member.name: member for members in groups for member in members}
    return [_property_json(member) for member in by_name.values()] or None


def _property_json(member: Property) -> dict[str, Any]:
    value = member.value if isinstance(member.value, str) else orjson.dumps(member.value).decode()
    return {"key": member.name, "value": value, "hidden": not (member.in_token_response or member.in_introspection)}
