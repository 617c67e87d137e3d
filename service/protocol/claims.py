"""Claims about a user: the claims of each scope, and the ``claims`` parameter (OpenID Connect Core 5)."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from service.protocol.errors import InvalidRequest
from service.protocol.names import INTROSPECTION_MEMBERS

SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "profile": (
        *("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture"),
        *("website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"),
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
    "groups": ("groups",),
}
"""The claims of each scope (OpenID Connect Core 5.4); the scope groups is in wide use, but not registered."""

OURS = frozenset(
    {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "nonce", "auth_time", "acr", "amr", "sid", "client_id"}
    | {"at_hash", "c_hash", "s_hash", "cnf", "act", "may_act", "scope", "events"}
)
"""Claims that the service itself makes (RFC 7519 4.1, OpenID Connect Core 2)."""

MAX_CLAIM_NAME = 128
"""The most characters in the name of a claim for access tokens."""
MAX_CLAIMS_PARAMETER = 8192
"""The most characters of the parameter."""
_MAX_NAMES = 100
_MAX_DEPTH = 10


def check_claim_name(name: str) -> str:
    """Check the name of a user's claim for access tokens. Raises ValueError for one with another meaning there."""
    if not name or not name.isprintable() or " " in name or "#" in name:
        raise ValueError("must be the name of a claim, without spaces and language")
    if name in OURS | INTROSPECTION_MEMBERS:
        raise ValueError(f"{name} is a registered claim of tokens themselves: it cannot be a claim about the person")
    return name


class ClaimRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A requested claim; ``values`` are the acceptable ones, empty = any (OpenID Connect Core 5.5.1)."""

    essential: bool = False
    values: tuple[Any, ...] = ()

    def accepts(self, value: object) -> bool:
        """Whether this value is acceptable."""
        return not self.values or value in self.values


Wanted = Mapping[str, ClaimRequest]


class ClaimsRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """The ``claims`` parameter (OpenID Connect Core 5.5), by the place where each claim is to be returned."""

    userinfo: dict[str, ClaimRequest] = {}
    id_token: dict[str, ClaimRequest] = {}

    @property
    def names(self) -> frozenset[str]:
        """The names of all requested claims in all places."""
        return frozenset(self.userinfo) | frozenset(self.id_token)

    def accept_subject(self, subject: str) -> bool:
        """Whether a response may be about this subject (OpenID Connect Core 5.5.1).

        A request may name the user in either place; then no other is acceptable. A value that is no text names no user.
        """
        return all(
            requested["sub"].accepts(subject) for requested in (self.id_token, self.userinfo) if "sub" in requested
        )


def parse(text: str | None) -> ClaimsRequest:
    """Parse the ``claims`` parameter. Members without a definition are ignored. Raises InvalidRequest."""
    if text is None:
        return ClaimsRequest()
    if len(text) > MAX_CLAIMS_PARAMETER:
        raise InvalidRequest(f"claims has more than {MAX_CLAIMS_PARAMETER} characters.")
    try:
        requested = msgspec.json.decode(text.encode(), type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError) as error:
        raise InvalidRequest("claims is not a JSON object (OpenID Connect Core 5.5).") from error
    if is_deeper(requested, _MAX_DEPTH):
        raise InvalidRequest(f"claims is nested more than {_MAX_DEPTH} deep.")
    return ClaimsRequest(_wanted(requested.get("userinfo"), "userinfo"), _wanted(requested.get("id_token"), "id_token"))


def is_deeper(value: object, levels: int) -> bool:
    """Whether JSON is nested deeper than ``levels``, which not every parser can read."""
    if not isinstance(value, dict | list):
        return False
    return levels == 0 or any(
        is_deeper(one, levels - 1) for one in (value.values() if isinstance(value, dict) else value)
    )


def _wanted(part: object, where: str) -> dict[str, ClaimRequest]:
    if part is None:
        return {}
    if not isinstance(part, dict) or len(part) > _MAX_NAMES:
        raise InvalidRequest(f"claims.{where} is not an object with at most {_MAX_NAMES} members.")
    return {name: _one(requested, f"claims.{where}") for name, requested in part.items()}


def _one(requested: object, where: str) -> ClaimRequest:
    if requested is None:
        return ClaimRequest()
    if not isinstance(requested, dict):
        raise InvalidRequest(f"A member of {where} is neither null nor an object.")
    essential, values = requested.get("essential", False), requested.get("values", [])
    if not isinstance(essential, bool) or not isinstance(values, list):
        raise InvalidRequest(f"In {where}, essential must be a boolean and values an array.")
    return ClaimRequest(essential, tuple(values) + ((requested["value"],) if "value" in requested else ()))


def claims_of_scopes(scopes: Iterable[str], further: Mapping[str, Collection[str]]) -> set[str]:
    """Return the names of the claims of these scopes; ``further`` are the operator's own scopes."""
    return {
        name for scope in scopes for names in (SCOPE_CLAIMS.get(scope, ()), further.get(scope, ())) for name in names
    }


def scopes_for_claims(names: Collection[str], further: Mapping[str, Collection[str]]) -> set[str]:
    """Return the scopes that have at least one of these claims, which the user has to allow for them."""
    return {
        scope for known in (SCOPE_CLAIMS, further) for scope, means in known.items() if not set(means).isdisjoint(names)
    }


def present(claims: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return the claims of ``names`` that have a value, neither null nor empty (OpenID Connect Core 5.3.2), without our own."""
    return {
        name: value
        for name, value in claims.items()
        if name.partition("#")[0] in names and name not in OURS and value not in (None, "", [], {})
    }


def acceptable(claims: Mapping[str, Any], wanted: Wanted) -> tuple[str, ...]:
    """Return the names of ``wanted`` for which the user's current value is acceptable."""
    return tuple(name for name, requested in wanted.items() if name in claims and requested.accepts(claims[name]))
