"""The demands of a rule of a profile on each request, and on tokens and responses made for it."""

from collections.abc import Mapping
from typing import NamedTuple

from service.protocol.errors import InvalidRequest
from service.protocol.names import OPENID, ResponseType


class Demands(NamedTuple):
    """The demands on requests, and on tokens and responses made for them, in addition to the members of a client."""

    algorithms: frozenset[str] | None = None
    """Signing algorithms of assertions, request objects and DPoP proofs; None: any supported one."""
    auth_methods: frozenset[str] | None = None
    """Authentication methods of clients; None: any supported one."""
    pushed_lifetime: int | None = None
    """The longest lifetime of a pushed request in seconds; None: that of the settings."""
    strict_request_objects: bool = False
    """Whether request objects need aud, nbf and exp, and last an hour at most."""
    redirect_uri: bool = False
    """Whether the request must name it, also where only one is registered."""
    scope: bool = False
    nonce: bool = False
    """Whether a request with the scope openid needs a nonce."""
    jwt_response: bool = False
    """Whether an authorization response without an ID token must be a signed JWT."""
    pkce_when_pushed: bool = False
    registered_redirects: bool = False
    """Whether every redirect URI must be registered, even in a pushed request."""
    state_hash: bool = False
    """Whether ID tokens from the authorization endpoint have ``s_hash``."""

    def with_those_of(self, other: "Demands") -> "Demands":
        """Return the demands of both."""
        return Demands(
            _common(self.algorithms, other.algorithms),
            _common(self.auth_methods, other.auth_methods),
            _least(self.pushed_lifetime, other.pushed_lifetime),
            *(mine or theirs for mine, theirs in zip(self[3:], other[3:], strict=True)),
        )

    def allows(self, response_type: ResponseType, *, as_jwt: bool) -> bool:
        """Whether a response of this type may travel so: as a JWT, or as plain parameters."""
        return as_jwt or not self.jwt_response or "id_token" in response_type.parts

    def check(self, parameters: Mapping[str, str], response_type: ResponseType, *, as_jwt: bool) -> None:
        """Check the parameters of an authorization request.

        Args:
            parameters: The effective parameters, those of the request object alone where only it counts.
            response_type: The requested response type.
            as_jwt: Whether the response is to be a JWT.

        Raises:
            InvalidRequest: They do not meet the demands.
        """
        if not self.allows(response_type, as_jwt=as_jwt):
            raise InvalidRequest("response_mode must be jwt: the security profile demands signed responses.")
        if self.scope and "scope" not in parameters:
            raise InvalidRequest("The parameter scope is missing: the security profile demands it.")
        if self.nonce and "nonce" not in parameters and OPENID in parameters.get("scope", "").split():
            raise InvalidRequest("The parameter nonce is missing.")


def _common(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _least(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


NO_DEMANDS = Demands()
