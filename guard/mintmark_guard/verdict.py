"""What comes of a check: a token that is good, a refusal, or an API that cannot check anything."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_UNQUOTABLE = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
"""What must not stand in ``error_description`` (RFC 6750 section 3)."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that is good. ``claims``: of the JWT, or what introspection said."""

    claims: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """Whose it is; of client_credentials the client itself, or "" where only introspection was asked."""
        return str(self.claims.get("sub", ""))

    @property
    def client_id(self) -> str:
        """Whom it was issued to."""
        return str(self.claims.get("client_id", ""))

    @property
    def acr(self) -> str:
        """By which authentication context its user signed in, "" where there is none."""
        return str(self.claims.get("acr", ""))

    @property
    def auth_time(self) -> float:
        """When its user signed in, in epoch seconds; 0 where that is not known."""
        found = self.claims.get("auth_time")
        return found if isinstance(found, int | float) and not isinstance(found, bool) else 0

    @property
    def scopes(self) -> frozenset[str]:
        """What it is for."""
        return frozenset(str(self.claims.get("scope", "")).split())


class MisconfiguredError(Exception):
    """No request will be let in until this API's settings or its client are changed: the text says which."""


class AnsweredError(ValueError):
    """The token service answered ``status``, and not 200."""

    def __init__(self, host: str | None, status: int) -> None:
        super().__init__(f"{host} answered {status}")
        self.status = status


class Refused(Exception):
    """The request is not let in (RFC 6750 section 3.1). ``status``: 400, 401, 403, or 503 where the issuer cannot be asked."""

    def __init__(
        self, status: int, error: str = "", description: str = "", requirements: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(description or error)
        self.status, self.error, self.description = status, error, description
        self.requirements: Mapping[str, str] = requirements or {}
        """What the client has to ask for, as members of the challenge (RFC 9470 section 3)."""
        self.resource_metadata = ""
        """The URL of the API's metadata (RFC 9728 section 5.1)."""
        self.as_dpop = False
        """Whether the token was sent by the scheme DPoP, whose challenge then says what is wrong."""
        self.algorithms = ""
        """Of DPoP proofs, with blanks between."""
        self.further: Mapping[str, str] = {}
        """Headers that every answer carries."""

    @property
    def headers(self) -> dict[str, str]:
        """``WWW-Authenticate`` (RFC 9449 section 7.2), and what every answer carries; ``Retry-After`` with 503."""
        if self.status == 503:
            return {"Retry-After": "1", **self.further}
        members = (
            {"error": self.error, "error_description": self.description, **self.requirements} if self.error else {}
        )
        if self.resource_metadata:
            members["resource_metadata"] = self.resource_metadata
        algorithms = {"algs": self.algorithms} if self.algorithms else {}
        if self.as_dpop:
            challenge = _challenge("DPoP", members | algorithms)
        else:
            challenge = _challenge("Bearer", members) + (f", {_challenge('DPoP', algorithms)}" if algorithms else "")
        return {"WWW-Authenticate": challenge, **self.further}

    @property
    def body(self) -> bytes:
        """JSON."""
        return json.dumps({"error": self.error or "unauthorized", "error_description": self.description}).encode()


def _challenge(scheme: str, parameters: Mapping[str, str]) -> str:
    return scheme + ",".join(f' {name}="{_UNQUOTABLE.sub("?", text)}"' for name, text in parameters.items())
