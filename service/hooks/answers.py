"""Answers of hooks: models, bounds, and the names that hooks cannot set."""

import logging
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from service.observe.events import Event
from service.protocol.claims import OURS
from service.protocol.names import INTROSPECTION_MEMBERS, TOKEN_RESPONSE_MEMBERS

log = logging.getLogger(__name__)

MAX_CLAIMS = 32
"""The most names that the hooks of one token may add together."""
MAX_BYTES = 4096
"""The most bytes of their JSON together, so that a JWT with them is still short enough to be presented."""
MAX_NAME = 128
"""The most characters of a name."""
MAX_DEPTH = 8
MAX_DESCRIPTION = 500
"""The most characters of the text for authorization details."""
RESERVED = OURS | TOKEN_RESPONSE_MEMBERS | INTROSPECTION_MEMBERS
"""Registered claims and members of responses: values of a hook for these are left out."""

Claims = dict[str, JsonValue]


class _Answer(BaseModel):
    """The base of answers: an unknown member is an error, and nothing is converted ("false" is no boolean)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)


class ClaimsAnswer(_Answer):
    """Claims to add, by where they go."""

    access_token: Claims = Field(default_factory=dict)
    """For JWTs, and their introspection."""
    id_token: Claims = Field(default_factory=dict)
    token_response: Claims = Field(default_factory=dict)
    introspection: Claims = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_bounded(self) -> "ClaimsAnswer":
        check_bounds([self.access_token, self.id_token, self.token_response, self.introspection])
        return self


class Verdict(_Answer):
    """Whether the act is allowed."""

    allow: bool
    message: str = Field("", max_length=200)  # the reason for the client or user, public


class DetailsVerdict(Verdict):
    """Whether a client may have these authorization details."""

    descriptions: list[Annotated[str, Field(max_length=MAX_DESCRIPTION)]] = Field(default_factory=list)
    """The text for each of them for the user, in their order; none, or one for each."""


class Added(msgspec.Struct, frozen=True):
    """The claims of all hooks, without reserved names; see ``ClaimsAnswer``."""

    access_token: dict[str, Any] = {}
    id_token: dict[str, Any] = {}
    token_response: dict[str, Any] = {}
    introspection: dict[str, Any] = {}

    def plus(self, answer: ClaimsAnswer, hook: str) -> "Added":
        """Return them with the answer of one more hook; later ones win. Raises ValueError where it becomes too much."""
        places = {name: {**getattr(self, name), **_allowed(getattr(answer, name), hook)} for name in _PLACES}
        check_bounds(list(places.values()))
        return Added(**places)


_PLACES = Added.__struct_fields__
NOTHING_ADDED = Added()


def check_bounds(places: list[dict[str, Any]]) -> None:
    """Check names, bytes and depth. Raises ValueError where a bound is exceeded."""
    if sum(map(len, places)) > MAX_CLAIMS:
        raise ValueError(f"more than {MAX_CLAIMS} claims")
    if any(not name or len(name) > MAX_NAME for place in places for name in place):
        raise ValueError(f"a name must have 1 to {MAX_NAME} characters")
    if _depth(places) > MAX_DEPTH + 2:
        raise ValueError(f"more than {MAX_DEPTH} levels deep")
    if sum(len(orjson.dumps(place)) for place in places) > MAX_BYTES + 2 * len(places):
        raise ValueError(f"more than {MAX_BYTES} bytes")


def _allowed(claims: Mapping[str, Any], hook: str) -> dict[str, Any]:
    if dropped := sorted(RESERVED.intersection(claims)):
        log.warning(Event.HOOK_CLAIMS_LEFT_OUT, extra={"hook": hook, "names": dropped})
    return {name: value for name, value in claims.items() if name not in RESERVED}


def _depth(value: object) -> int:
    """Return the levels of a JSON value, without recursion, as it may be nested as deep as its bytes allow."""
    deepest, left = 0, [(value, 1)]
    while left:
        one, depth = left.pop()
        deepest = max(deepest, depth)
        if depth > MAX_DEPTH + 2:
            break
        inside = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        left += [(member, depth + 1) for member in inside if isinstance(member, dict | list)]
    return deepest
