"""Scope and resources that a client requests, and how much of them can be granted: narrowing in one place."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from service.protocol import scopes, targets
from service.protocol.names import UnknownScope
from service.protocol.request import Request


class Granted(msgspec.Struct, frozen=True, array_like=True):
    """The part of a request that can be granted.

    All members are in the fingerprint of a request (``tokens.replay``) as an array, which releases side by side compare.
    """

    scope: str
    audience: tuple[str, ...]
    members: dict[str, Any] | None = None
    """Further members (``tokens.members``), by name."""


def resources_of(parameters: Mapping[str, str], resources: tuple[str, ...]) -> tuple[str, ...]:
    """Return the resources of a request, or its ``audience`` where it names none (Auth0, Ory Hydra: space-separated)."""
    return resources or tuple(parameters.get("audience", "").split())


class Requested(msgspec.Struct, frozen=True):
    """Scope and resources of a request, as the client sent them."""

    scope: str | None = None
    resources: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: Request, *, takes_audience: bool = False) -> "Requested":
        """Read scope and resources of a request; with ``takes_audience`` the parameter audience is an alias of resource."""
        resources = request.resources
        if takes_audience:
            resources = resources_of(request.parameters, resources)
        return cls(request.parameters.get("scope"), resources)

    def within(
        self,
        *,
        scopes_allowed: Collection[str],
        default_scope: str,
        unknown_scope: UnknownScope,
        audiences: tuple[str, ...],
        default_audience: tuple[str, ...] | None = None,
    ) -> Granted:
        """Limit a first request to what its client may have. Raises InvalidScope, InvalidTarget."""
        granted = scopes.grantable(self.scope, scopes_allowed, default_scope, unknown_scope)
        return Granted(granted, targets.audience(self.resources, audiences, default_audience))

    def resources_within(self, granted: Granted) -> Granted:
        """Limit only the resources, as a code has everything else from the authorization request. Raises InvalidTarget."""
        if not self.resources:
            return granted
        return msgspec.structs.replace(granted, audience=targets.audience(self.resources, granted.audience))

    def exchanged(self, granted: Granted, *, scopes_allowed: Collection[str], audiences: tuple[str, ...]) -> Granted:
        """Limit a token exchange (RFC 8693) to the permissions of the token and of the client.

        Args:
            granted: The permissions of the token.
            scopes_allowed: The scopes that the client may have.
            audiences: Further audiences that the policy allows for the client.

        Raises:
            InvalidScope: The scope goes beyond one of these.
            InvalidTarget: A resource or audience does.
        """
        held = " ".join([word for word in granted.scope.split() if word in scopes_allowed])
        audience = granted.audience
        if self.resources:
            audience = targets.audience(self.resources, (*granted.audience, *audiences))
        return msgspec.structs.replace(granted, scope=scopes.narrowed(self.scope, held), audience=audience)

    def narrowed(self, granted: Granted) -> Granted:
        """Limit a later request to what was granted before (RFC 6749 section 6). Raises InvalidScope, InvalidTarget."""
        if self.scope is None and not self.resources:
            return granted
        return msgspec.structs.replace(
            granted,
            scope=scopes.narrowed(self.scope, granted.scope),
            audience=targets.audience(self.resources, granted.audience),
        )
