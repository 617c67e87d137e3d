"""What a rule of a profile is: what it demands, where that is written, and who is asked whether it holds."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, Protocol

from service.protocol.names import (
    ApplicationType,
    ClientAuthMethod,
    GrantTypeName,
    Profile,
    RefreshRotation,
    ResponseType,
    SigningAlgorithm,
)
from service.protocol.profiles.demands import NO_DEMANDS, Demands


class ClientMembers(Protocol):
    """The members of a client that rules look at: of its record, or of what an operator writes."""

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
    """What a client can be given here."""

    algorithms: tuple[str, ...] = ()
    """With which there are keys to sign."""
    code_lifetime: int = 60
    """Of the settings, in seconds."""


class SettingRule(NamedTuple):
    """What a rule demands of a setting."""

    name: str
    holds: Callable[[Any], bool]
    text: str
    """What it must be: ``at most 60``."""
    value: object = None
    """What it is where nothing is said; None: as by default."""
    for_each_client: bool = False
    """Whether it must hold also where a client alone has the profile."""


def _always(_: ClientMembers) -> bool:
    return True


def _nothing(_: ClientMembers, __: Here) -> Mapping[str, Any]:
    return {}


def gets_tokens(client: ClientMembers) -> bool:
    """Whether it is a client, not only an API that introspects."""
    return bool(client.grant_types)


def uses_codes(client: ClientMembers) -> bool:
    """Whether it sends users to the authorization endpoint for codes."""
    return GrantTypeName.AUTHORIZATION_CODE in client.grant_types


def sends_users(client: ClientMembers) -> bool:
    """Whether it may send users to the authorization endpoint, for codes or without: with tokens in its response types."""
    is_implicit = GrantTypeName.IMPLICIT in client.grant_types
    return uses_codes(client) or is_implicit or any(one.parts - {"code"} for one in client.response_types)


class Rule(NamedTuple):
    """A rule. What holds of every client and request here has neither ``holds`` nor ``demands``."""

    name: str
    section: str
    text: str
    """What it demands, in a sentence."""
    member: str = "profile"
    """The member that a refusal is about."""
    remedy: str = ""
    """What to do about a client that breaks it."""
    holds: Callable[[ClientMembers], bool] = _always
    members: Callable[[ClientMembers, Here], Mapping[str, Any]] = _nothing
    """What a client is given by which it does not say otherwise."""
    concerns: Callable[[ClientMembers], bool] = gets_tokens
    settings: tuple[SettingRule, ...] = ()
    demands: Demands = NO_DEMANDS

    def is_kept_by(self, client: ClientMembers) -> bool:
        """Return whether a client keeps it, or has nothing to do with it."""
        return not self.concerns(client) or self.holds(client)


class SecurityProfile(NamedTuple):
    """A profile: its title, and all its rules."""

    title: str
    rules: tuple[Rule, ...]


# rules that several profiles have

SIGNED_BY_US = (
    *("id_token_signed_response_alg", "introspection_signed_response_alg"),
    *("access_token_signing_alg", "authorization_signed_response_alg"),
)
"""Members by which we sign with RS256 where they are not set."""
OF_REQUESTS = ("token_endpoint_auth_signing_alg", "request_object_signing_alg", "userinfo_signed_response_alg")
"""Members by which nothing is signed, or requests are held by ``Demands``, where they are not set."""
_ASYMMETRIC = frozenset(
    {ClientAuthMethod.PRIVATE_KEY_JWT.value, ClientAuthMethod.TLS_CLIENT_AUTH.value}
    | {ClientAuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH.value}
)


def algorithms(section: str, allowed: Collection[SigningAlgorithm]) -> Rule:
    """Return the rule about what JWTs are signed with."""
    names = tuple(one.value for one in allowed)

    def holds(client: ClientMembers) -> bool:
        ours = all(getattr(client, name) in names for name in SIGNED_BY_US)
        return ours and all(getattr(client, name) in (None, *names) for name in OF_REQUESTS)

    def members(_: ClientMembers, here: Here) -> Mapping[str, Any]:
        known = next((name for name in names if name in here.algorithms), names[0])
        return dict.fromkeys(SIGNED_BY_US, known)

    return Rule(
        name="algorithms",
        section=section,
        text=f"JWTs are signed with {', '.join(names)}, by client and by us.",
        member="id_token_signed_response_alg",
        remedy=f"set every member that ends with _alg to one of {', '.join(names)}",
        holds=holds,
        members=members,
        settings=(
            SettingRule(
                "signing_algorithms", lambda ours: set(ours) <= set(names), f"some of {', '.join(names)}", names
            ),
            SettingRule(
                "dpop_signing_algorithms", lambda ours: set(ours) <= set(names), f"some of {', '.join(names)}", names
            ),
        ),
        demands=Demands(algorithms=frozenset(names)),
    )


def client_authentication(section: str) -> Rule:
    """Return the rule that no client authenticates by a secret."""
    return Rule(
        name="client_authentication",
        section=section,
        text="Clients authenticate by private_key_jwt or by a certificate.",
        member="auth_method",
        remedy="--auth-method private_key_jwt with --jwks or --jwks-uri, or tls_client_auth, or self_signed_tls_client_auth",
        holds=lambda client: client.auth_method in _ASYMMETRIC,
        demands=Demands(auth_methods=_ASYMMETRIC),
    )


def confidential_clients(section: str) -> Rule:
    """Return the rule that there are no public clients."""
    return Rule(
        name="confidential_clients",
        section=section,
        text="Clients are confidential.",
        member="auth_method",
        remedy="give it an --auth-method with a key of its own",
        holds=lambda client: not client.public,
    )


def no_password(section: str) -> Rule:
    """Return the rule that no client takes passwords of users."""
    return Rule(
        name="no_password",
        section=section,
        text="Clients do not ask for passwords of users.",
        member="grant_types",
        remedy="leave the grant type password out",
        holds=lambda client: GrantTypeName.PASSWORD not in client.grant_types,
    )


def https_redirects(section: str, *, loopback: bool) -> Rule:
    """Return the rule about redirect URIs; ``loopback``: whether native apps may use http on loopback."""

    def holds(client: ClientMembers) -> bool:
        may_be_plain = loopback and client.application_type is ApplicationType.NATIVE
        return all(
            uri.startswith("https://") or (may_be_plain and uri.startswith("http://")) for uri in client.redirect_uris
        )

    return Rule(
        name="https_redirects",
        section=section,
        text="Redirect URIs are https" + ("; of native apps http on loopback, too." if loopback else "."),
        member="redirect_uris",
        remedy="register https redirect URIs only",
        holds=holds,
        settings=(  # one that is registered nowhere may be http on loopback
            SettingRule(
                "par_unregistered_redirects", lambda ours: not ours, "false", value=False, for_each_client=True
            ),
        ),
        demands=Demands(registered_redirects=True),
    )


def signed_requests(section: str) -> Rule:
    """Return the rule that requests are signed."""
    return Rule(
        name="signed_requests",
        section=section,
        text="Authorization requests are signed request objects, and what stands beside them does not count.",
        member="require_signed_request_object",
        remedy="--signed-requests-only with --jwks or --jwks-uri",
        holds=lambda client: client.require_signed_request_object,
        members=lambda _, __: {"require_signed_request_object": True},
        concerns=uses_codes,
        settings=(
            SettingRule("require_signed_request_object", bool, "true", True),
            SettingRule("request_objects", lambda ours: ours != "off", "on", for_each_client=True),
        ),
    )


def request_object_claims(section: str) -> Rule:
    """Return the rule about what request objects say of themselves."""
    return Rule(
        name="request_object_claims",
        section=section,
        text="Request objects have aud, nbf and exp: nbf not more than 60 minutes ago, exp not more than 60 minutes after it.",
        demands=Demands(strict_request_objects=True),
    )


def redirect_uri_named(section: str) -> Rule:
    """Return the rule that requests name their redirect URI."""
    return Rule(
        name="redirect_uri_named",
        section=section,
        text="Authorization requests name their redirect_uri.",
        demands=Demands(redirect_uri=True),
    )


def has_pkce(client: ClientMembers) -> bool:
    """Whether its codes need a hashed challenge."""
    return client.require_pkce and not client.allow_plain_pkce


def pkce(section: str) -> Rule:
    """Return the rule that each code needs a challenge."""
    return Rule(
        name="pkce",
        section=section,
        text="Authorization requests have a PKCE challenge with S256.",
        member="allow_plain_pkce",
        remedy="--require-pkce and not --allow-plain-pkce",
        holds=has_pkce,
        members=lambda _, __: {"require_pkce": True},
        concerns=uses_codes,
        settings=(SettingRule("require_pkce", bool, "true", True),),
    )
