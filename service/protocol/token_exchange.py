"""Token exchange (RFC 8693): its request, parsed once, and the chain of actors. Pure rules."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from service.protocol.claims import is_deeper
from service.protocol.errors import InvalidRequest
from service.protocol.request import Request

MAX_ACTORS = 8
"""The most nested actors (RFC 8693 section 4.1)."""
MAX_ACTOR_BYTES = 2048
"""The most bytes of such a chain, and of a ``may_act``, as JSON."""
ACT = "act"
MAY_ACT = "may_act"
_LEVELS = 4
"""The most levels of further members of a party, as scripts of Redis have to parse them."""
_IDENTITY = ("iss", "sub", "client_id")
"""The members that identify a party."""


class TokenType(StrEnum):
    """Token type identifiers (RFC 8693 section 3, draft-ietf-oauth-identity-assertion-authz-grant)."""

    ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
    REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"
    ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
    JWT = "urn:ietf:params:oauth:token-type:jwt"
    SAML1 = "urn:ietf:params:oauth:token-type:saml1"
    SAML2 = "urn:ietf:params:oauth:token-type:saml2"
    ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"
    """An Identity Assertion JWT Authorization Grant."""


class ExchangeRequest(msgspec.Struct, frozen=True):
    """The parameters of a token exchange (RFC 8693 section 2.1), whose form is checked."""

    subject_token: str
    subject_token_type: TokenType
    actor_token: str = ""
    actor_token_type: TokenType | None = None
    requested_token_type: TokenType | None = None
    audiences: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: Request) -> "ExchangeRequest":
        """Read the parameters of a request. Raises InvalidRequest."""
        subject_token, actor_token = request.required("subject_token"), request.parameters.get("actor_token", "")
        if bool(actor_token) != ("actor_token_type" in request.parameters):
            raise InvalidRequest("actor_token and actor_token_type go together (RFC 8693 section 2.1).")
        return cls(
            subject_token=subject_token,
            subject_token_type=_type_in(request.required("subject_token_type"), "subject_token_type"),
            actor_token=actor_token,
            actor_token_type=_optional_type(request, "actor_token_type"),
            requested_token_type=_optional_type(request, "requested_token_type"),
            audiences=request.audiences,
            resources=request.resources,
        )


def _optional_type(request: Request, name: str) -> TokenType | None:
    given = request.parameters.get(name)
    return None if given is None else _type_in(given, name)


def _type_in(given: str, name: str) -> TokenType:
    try:
        return TokenType(given)
    except ValueError:
        raise InvalidRequest(f"{name} is not a known token type (RFC 8693 section 3).") from None


# actors


def check_actors(act: object) -> dict[str, Any]:
    """Return a chain of actors, the current one outermost. Raises InvalidRequest for one that is malformed, or too long."""
    if is_deeper(act, MAX_ACTORS + _LEVELS):
        raise InvalidRequest(f"More than {MAX_ACTORS} parties act for each other.")
    inner, count = act, 0
    while inner is not None:
        if not isinstance(inner, dict) or not _is_identified(inner):
            raise InvalidRequest(
                "act must be objects with sub or client_id, one inside the other (RFC 8693 section 4.1)."
            )
        count += 1
        if count > MAX_ACTORS:
            raise InvalidRequest(f"More than {MAX_ACTORS} parties act for each other.")
        inner = inner.get(ACT)
    if _size(act) > MAX_ACTOR_BYTES:
        raise InvalidRequest(f"act has more than {MAX_ACTOR_BYTES} bytes.")
    return act if isinstance(act, dict) else {}


def foreign_actors(act: object, theirs: str, ours: str) -> dict[str, Any]:
    """Return the chain of another issuer, in which each party without ``iss`` gets the one of that issuer.

    Without it the party would be taken for one of ours, which no other issuer may assert. Raises InvalidRequest.

    Args:
        act: The claim.
        theirs: The other issuer.
        ours: The issuer of this service.
    """
    parties: list[dict[str, Any]] = []
    inner: dict[str, Any] | None = check_actors(act)
    while inner:
        if inner.get("iss") == ours:
            raise InvalidRequest("act of another issuer names a party of this service.")
        parties.append({"iss": theirs, **inner})
        inner = inner.get(ACT)
    chain: dict[str, Any] = {}
    for party in reversed(parties):
        chain = {**party, ACT: chain} if chain else party
    return check_actors(chain)


def delegated(actor: Mapping[str, str], prior: Mapping[str, Any] | None) -> dict[str, Any]:
    """Add a party in front of the actors so far. Raises InvalidRequest where they become too many."""
    return check_actors({**actor, ACT: prior} if prior else dict(actor))


def may_become_actor(may_act: object, actor: Mapping[str, str], issuer: str) -> bool:
    """Whether ``may_act`` names this party (RFC 8693 section 4.4): all its members match, and none is unknown to us.

    An actor without ``iss`` belongs to ``issuer``.
    """
    if not isinstance(may_act, dict) or not _is_identified(may_act) or may_act.keys() - set(_IDENTITY):
        return False
    known = {"iss": issuer, **actor}
    return all(known.get(name) == value for name, value in may_act.items())


def check_may_act(may_act: object) -> object:
    """Check a ``may_act``, and return it. Raises InvalidRequest."""
    if not isinstance(may_act, dict) or is_deeper(may_act, _LEVELS) or _size(may_act) > MAX_ACTOR_BYTES:
        raise InvalidRequest("may_act must be a small object (RFC 8693 section 4.4).")
    return may_act


def _size(value: object) -> int:
    return len(msgspec.json.encode(value))


def _is_identified(party: Mapping[str, Any]) -> bool:
    named = [party[name] for name in _IDENTITY if name in party]
    return all(isinstance(value, str) and value for value in named) and bool({"sub", "client_id"} & party.keys())
