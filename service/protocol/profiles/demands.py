"""What a rule of a profile demands of each request, and of what is made for it."""

from collections.abc import Mapping
from typing import NamedTuple

from service.protocol.errors import InvalidRequest
from service.protocol.names import OPENID, ResponseType


class Demands(NamedTuple):
    """What is demanded of requests, and of what is made for them, beyond what members of a client say."""

    algorithms: frozenset[str] | None = None
    """With which assertions, request objects and DPoP proofs are signed; None: any that there is."""
    auth_methods: frozenset[str] | None = None
    """How clients authenticate; None: in any way that there is."""
    pushed_lifetime: int | None = None
    """Seconds that a pushed request lives at most; None: as long as the settings say."""
    strict_request_objects: bool = False
    """With aud, nbf and exp, an hour at most."""
    redirect_uri: bool = False
    """The request names it, also where only one is registered."""
    scope: bool = False
    nonce: bool = False
    """With the scope openid."""
    jwt_response: bool = False
    """An authorization response that holds no ID token travels as a signed JWT."""
    pkce_when_pushed: bool = False
    registered_redirects: bool = False
    """No redirect URI is taken that is not registered, not even in what is pushed."""
    state_hash: bool = False
    """ID tokens from the authorization endpoint hold ``s_hash``."""

    def with_those_of(self, other: "Demands") -> "Demands":
        """Return what both demand."""
        return Demands(
            _common(self.algorithms, other.algorithms),
            _common(self.auth_methods, other.auth_methods),
            _least(self.pushed_lifetime, other.pushed_lifetime),
            *(mine or theirs for mine, theirs in zip(self[3:], other[3:], strict=True)),
        )

    def check(self, parameters: Mapping[str, str], response_type: ResponseType, *, as_jwt: bool) -> None:
        """Check the parameters of an authorization request.

        Args:
            parameters: Those that count: of the request object alone, where it stands alone.
            response_type: What is asked for.
            as_jwt: Whether the response is to travel as a JWT.

        Raises:
            InvalidRequest: They are not what is demanded.
        """
        if self.jwt_response and "id_token" not in response_type.parts and not as_jwt:
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
