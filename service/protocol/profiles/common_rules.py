"""Rules that several profiles share: each is made with its section in the profile."""

from collections.abc import Collection, Mapping
from typing import Any

from service.protocol.names import ApplicationType, ClientAuthMethod, DeliveryMode, GrantTypeName, SigningAlgorithm
from service.protocol.profiles.demands import Demands
from service.protocol.profiles.rule import ClientMembers, Here, Rule, SettingRule, uses_codes

REGISTERED_REDIRECTS = SettingRule(
    "par_unregistered_redirects", lambda ours: not ours, "false", value=False, for_each_client=True
)
"""The rule that only registered redirect URIs are accepted, as others may be any, even http on loopback."""
SIGNED_BY_US = (
    *("id_token_signed_response_alg", "introspection_signed_response_alg"),
    *("access_token_signing_alg", "authorization_signed_response_alg"),
)
"""Members that default to RS256, by which we sign."""
OF_REQUESTS = ("token_endpoint_auth_signing_alg", "request_object_signing_alg", "userinfo_signed_response_alg")
"""Members without a default: nothing is signed then, or ``Demands`` checks the signatures of requests."""
UNBOUND_DELIVERY = frozenset({DeliveryMode.PUSH.value})
"""Delivery modes of CIBA whose tokens cannot be bound to a key."""
_ASYMMETRIC = frozenset(
    {ClientAuthMethod.PRIVATE_KEY_JWT.value, ClientAuthMethod.TLS_CLIENT_AUTH.value}
    | {ClientAuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH.value}
)


def algorithms(section: str, allowed: Collection[SigningAlgorithm]) -> Rule:
    """Return the rule about the signing algorithms of JWTs."""
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
    """Return the rule that no client handles passwords of users."""
    return Rule(
        name="no_password",
        section=section,
        text="Clients do not ask for passwords of users.",
        member="grant_types",
        remedy="leave the grant type password out",
        holds=lambda client: GrantTypeName.PASSWORD not in client.grant_types,
        refused_grant_types=frozenset({GrantTypeName.PASSWORD.value}),
    )


def https_redirects(section: str, *, loopback: bool) -> Rule:
    """Return the rule about redirect URIs; with ``loopback`` native apps may use http on loopback."""

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
        settings=(REGISTERED_REDIRECTS,),
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
    """Return the rule about the claims of request objects."""
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
    """Whether codes of the client need a hashed challenge."""
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
