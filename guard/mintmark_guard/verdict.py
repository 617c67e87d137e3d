"""The results of a check: a valid token, a refusal, or an API that cannot check anything."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_UNQUOTABLE = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
"""Characters that ``error_description`` must not contain (RFC 6750 section 3)."""


@dataclass(frozen=True, slots=True)
class Token:
    """A valid token, with the claims of the JWT or the introspection response."""

    claims: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """The subject; for client_credentials that of the client, or "" if the token was introspected."""
        return str(self.claims.get("sub", ""))

    @property
    def client_id(self) -> str:
        """The client that it was issued to."""
        return str(self.claims.get("client_id", ""))

    @property
    def acr(self) -> str:
        """The authentication context class of the user's login, "" where there is none."""
        return str(self.claims.get("acr", ""))

    @property
    def auth_time(self) -> float:
        """The time of the user's login in epoch seconds; 0 where it is not known."""
        found = self.claims.get("auth_time")
        return found if isinstance(found, int | float) and not isinstance(found, bool) else 0

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of the token."""
        return frozenset(str(self.claims.get("scope", "")).split())


class MisconfiguredError(Exception):
    """No request can be let in until this API's settings or its client are changed; the text says what to change."""


class AnsweredError(ValueError):
    """The token service answered with a status other than 200."""

    def __init__(self, host: str | None, status: int) -> None:
        super().__init__(f"{host} answered {status}")
        self.status = status


class Refused(Exception):
    """The request is not let in (RFC 6750 section 3.1).

    Args:
        status: 400, 401, 403, or 503 where the token service cannot be asked.
        error: The error code.
        description: The text for the client.
        requirements: Members of the challenge that say what the client has to request (RFC 9470 section 3).
    """

    def __init__(
        self, status: int, error: str = "", description: str = "", requirements: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(description or error)
        self.status, self.error, self.description = status, error, description
        self.requirements: Mapping[str, str] = requirements or {}
        """Members of the challenge, see the argument."""
        self.scope = ""
        """The scopes that the request needs, separated by blanks (RFC 6750 section 3); MCP clients ask for these."""
        self.resource_metadata = ""
        """The URL of the API's metadata (RFC 9728 section 5.1)."""
        self.as_dpop = False
        """Whether the token was sent with the scheme DPoP, whose challenge then carries the error."""
        self.algorithms = ""
        """The accepted algorithms of DPoP proofs, separated by blanks."""
        self.further: Mapping[str, str] = {}
        """Further headers, which every response carries."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the response: ``WWW-Authenticate`` (RFC 9449 section 7.2), or ``Retry-After`` with 503."""
        if self.status == 503:
            return {"Retry-After": "1", **self.further}
        members = (
            {"error": self.error, "error_description": self.description, **self.requirements} if self.error else {}
        )
        if self.scope:
            members["scope"] = self.scope
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
        """The content of the response, in JSON."""
        return json.dumps({"error": self.error or "unauthorized", "error_description": self.description}).encode()


def _challenge(scheme: str, parameters: Mapping[str, str]) -> str:
    return scheme + ",".join(f' {name}="{_UNQUOTABLE.sub("?", text)}"' for name, text in parameters.items())
