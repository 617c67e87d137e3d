"""What a client asks for, and how much of it can be granted: narrowing in one place."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from service.protocol import scopes, targets
from service.protocol.names import UnknownScope
from service.protocol.request import Request


class Granted(msgspec.Struct, frozen=True, array_like=True):
    """What of a request can be granted.

    All of its members are in the fingerprint of a request (``tokens.replay``), as an array: releases side by side compare it.
    """

    scope: str
    audience: tuple[str, ...]
    members: dict[str, Any] | None = None
    """Whatever else there is (``tokens.members``), by name."""


def resources_of(parameters: Mapping[str, str], resources: tuple[str, ...]) -> tuple[str, ...]:
    """The resources of a request, those that it calls audience where it names none (Auth0, Ory Hydra: words with spaces)."""
    return resources or tuple(parameters.get("audience", "").split())


class Requested(msgspec.Struct, frozen=True):
    """Scope and resources of a request, as the client sent them."""

    scope: str | None = None
    resources: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: Request, *, takes_audience: bool = False) -> "Requested":
        """Read what a request asks for; ``takes_audience``: the parameter of that name is another one for resource."""
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
        """Limit the resources alone: a code has all else from the authorization request. Raises InvalidTarget."""
        if not self.resources:
            return granted
        return msgspec.structs.replace(granted, audience=targets.audience(self.resources, granted.audience))

    def exchanged(self, granted: Granted, *, scopes_allowed: Collection[str], audiences: tuple[str, ...]) -> Granted:
        """Limit what a token is exchanged for to what it allows itself (RFC 8693), and its client may have.

        Args:
            granted: What the token allows.
            scopes_allowed: What the client may have.
            audiences: What it may be for beside that, by the policy for the client.

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
