"""The rules of profiles: what each demands, in which section, and how it is checked."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from service.protocol.names import (
    ApplicationType,
    GrantTypeName,
    Profile,
    RefreshRotation,
    ResponseType,
)
from service.protocol.profiles.demands import NO_DEMANDS, Demands


class ClientMembers(Protocol):
    """The members of a client that rules check, in its record or in an operator's input."""

    @property
    def public(self) -> bool: ...  # noqa: D102 (members as in protocol.client_metadata)
    @property
    def auth_method(self) -> str: ...  # noqa: D102
    @property
    def grant_types(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def response_types(self) -> tuple[ResponseType, ...]: ...  # noqa: D102
    @property
    def redirect_uris(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def application_type(self) -> ApplicationType: ...  # noqa: D102
    @property
    def introspect(self) -> bool: ...  # noqa: D102
    @property
    def introspection_signed_response_alg(self) -> str | None: ...  # noqa: D102
    @property
    def require_pkce(self) -> bool: ...  # noqa: D102
    @property
    def allow_plain_pkce(self) -> bool: ...  # noqa: D102
    @property
    def require_pushed_authorization_requests(self) -> bool: ...  # noqa: D102
    @property
    def require_signed_request_object(self) -> bool: ...  # noqa: D102
    @property
    def strict_assertion_audience(self) -> bool: ...  # noqa: D102
    @property
    def dpop_bound_access_tokens(self) -> bool: ...  # noqa: D102
    @property
    def tls_client_certificate_bound_access_tokens(self) -> bool: ...  # noqa: D102
    @property
    def code_lifetime(self) -> int | None: ...  # noqa: D102
    @property
    def refresh_rotation(self) -> RefreshRotation | None: ...  # noqa: D102
    @property
    def profile(self) -> Profile | None: ...  # noqa: D102


class Here(NamedTuple):
    """What this service can give to a client."""

    algorithms: tuple[str, ...] = ()
    """The algorithms for which there are signing keys."""
    code_lifetime: int = 60
    """The lifetime of codes in the settings, in seconds."""


class SettingRule(NamedTuple):
    """The demand of a rule on a setting."""

    name: str
    holds: Callable[[Any], bool]
    text: str
    """The demanded value in words, such as ``at most 60``."""
    value: object = None
    """Its value where the settings do not set it; None: the default."""
    for_each_client: bool = False
    """Whether it applies also where only a client has the profile."""


def _always(_: ClientMembers) -> bool:
    return True


def _nothing(_: ClientMembers, __: Here) -> Mapping[str, Any]:
    return {}


def gets_tokens(client: ClientMembers) -> bool:
    """Whether the client gets tokens, and is not only an API that introspects."""
    return bool(client.grant_types)


def uses_codes(client: ClientMembers) -> bool:
    """Whether the client sends users to the authorization endpoint for codes."""
    return GrantTypeName.AUTHORIZATION_CODE in client.grant_types


def sends_users(client: ClientMembers) -> bool:
    """Whether the client may send users to the authorization endpoint, for codes or for tokens."""
    is_implicit = GrantTypeName.IMPLICIT in client.grant_types
    return uses_codes(client) or is_implicit or any(one.parts - {"code"} for one in client.response_types)


class Rule(NamedTuple):
    """A rule. One that every client and request here keeps has neither ``holds`` nor ``demands``."""

    name: str
    section: str
    text: str
    """The demand in a sentence."""
    member: str = "profile"
    """The member that a refusal is about."""
    remedy: str = ""
    """The change by which a client keeps it."""
    holds: Callable[[ClientMembers], bool] = _always
    members: Callable[[ClientMembers, Here], Mapping[str, Any]] = _nothing
    """The values that a client gets for members that it does not set."""
    concerns: Callable[[ClientMembers], bool] = gets_tokens
    settings: tuple[SettingRule, ...] = ()
    demands: Demands = NO_DEMANDS
    refused_grant_types: frozenset[str] = frozenset()
    """Grant types that no client may have, so that discovery does not offer them."""
    refused_delivery_modes: frozenset[str] = frozenset()
    """Delivery modes of CIBA that no client can have, likewise."""

    def is_kept_by(self, client: ClientMembers) -> bool:
        """Whether a client keeps the rule, or is not subject to it."""
        return not self.concerns(client) or self.holds(client)


class SecurityProfile(NamedTuple):
    """A profile: its title, and all its rules."""

    title: str
    rules: tuple[Rule, ...]
