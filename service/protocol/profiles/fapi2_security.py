"""FAPI 2.0 Security Profile, Final (February 2025)."""

from service.protocol.names import GrantTypeName, RefreshRotation, ResponseType, SigningAlgorithm
from service.protocol.profiles.common_rules import (
    UNBOUND_DELIVERY,
    algorithms,
    client_authentication,
    confidential_clients,
    https_redirects,
    no_password,
    pkce,
    redirect_uri_named,
)
from service.protocol.profiles.demands import Demands
from service.protocol.profiles.rule import (
    ClientMembers,
    Rule,
    SecurityProfile,
    SettingRule,
    sends_users,
    uses_codes,
)

_S = "FAPI 2.0 Security Profile 5."
ALGORITHMS = (SigningAlgorithm.PS256, SigningAlgorithm.ES256, SigningAlgorithm.EDDSA)
CODE_LIFETIME = 60
"""The longest lifetime of a code in seconds."""
PUSHED_LIFETIME = 600
"""The lifetime in seconds that a pushed request must stay below."""


def _is_bound(client: ClientMembers) -> bool:
    return client.dpop_bound_access_tokens or client.tls_client_certificate_bound_access_tokens


PROFILE = SecurityProfile(
    title="FAPI 2.0 Security Profile",
    rules=(
        no_password(f"{_S}3.2.1-2"),
        confidential_clients(f"{_S}3.2.1-3"),
        Rule(
            name="sender_constrained",
            section=f"{_S}3.2.1-4",
            text="Access tokens are bound to a key of the client, by DPoP or by its certificate.",
            member="dpop_bound_access_tokens",
            remedy="--dpop or --certificate-bound",
            holds=_is_bound,
            members=lambda client, _: {} if _is_bound(client) else {"dpop_bound_access_tokens": True},
            refused_delivery_modes=UNBOUND_DELIVERY,
        ),
        client_authentication(f"{_S}3.2.1-6"),
        Rule(
            name="assertion_audience",
            section=f"{_S}3.2.1-8",
            text="Assertions by which clients authenticate name the issuer as audience, as one string.",
            member="strict_assertion_audience",
            remedy="--strict-audience",
            holds=lambda client: client.strict_assertion_audience,
            members=lambda _, __: {"strict_assertion_audience": True},
            settings=(SettingRule("assertion_audience", lambda ours: ours == "issuer", "issuer"),),
        ),
        Rule(
            name="no_rotation",
            section=f"{_S}3.2.1-9",
            text="Refresh tokens stay the same when they are used.",
            member="refresh_rotation",
            remedy="--refresh-rotation never",
            holds=lambda client: client.refresh_rotation is RefreshRotation.NEVER,
            members=lambda _, __: {"refresh_rotation": RefreshRotation.NEVER},
            concerns=lambda client: GrantTypeName.REFRESH_TOKEN in client.grant_types,
            settings=(SettingRule("refresh_rotation", lambda ours: ours == "never", "never", "never"),),
        ),
        Rule(
            name="code_lifetime",
            section=f"{_S}3.2.1-11",
            text=f"Authorization codes live {CODE_LIFETIME} seconds at most.",
            member="code_lifetime",
            remedy=f"--code-lifetime {CODE_LIFETIME}",
            holds=lambda client: client.code_lifetime is not None and client.code_lifetime <= CODE_LIFETIME,
            members=lambda _, here: {"code_lifetime": min(CODE_LIFETIME, here.code_lifetime)},
            concerns=uses_codes,
            settings=(SettingRule("code_lifetime", lambda ours: ours <= CODE_LIFETIME, f"at most {CODE_LIFETIME}"),),
        ),
        Rule(
            name="code_bound_to_key",
            section=f"{_S}3.2.1-12",
            text="A code that was asked for with a DPoP key is redeemed by that key alone.",
        ),
        Rule(
            name="clock_skew",
            section=f"{_S}3.2.1-13",
            text="JWTs with an iat or nbf up to 10 seconds in the future are taken, beyond 60 seconds refused.",
        ),
        Rule(
            name="response_types",
            section=f"{_S}3.2.2-1",
            text="The response type is code.",
            member="response_types",
            remedy="--response-type code, and nothing else",
            holds=lambda client: (
                tuple(client.response_types) == (ResponseType.CODE,)
                and GrantTypeName.IMPLICIT not in client.grant_types
            ),
            concerns=sends_users,
            settings=(
                SettingRule("response_types", lambda ours: set(ours) == {ResponseType.CODE}, "code alone", ("code",)),
            ),
        ),
        Rule(
            name="pushed_requests",
            section=f"{_S}3.2.2-3",
            text="Authorization requests are pushed.",
            member="require_pushed_authorization_requests",
            remedy="--pushed-requests-only",
            holds=lambda client: client.require_pushed_authorization_requests,
            members=lambda _, __: {"require_pushed_authorization_requests": True},
            concerns=uses_codes,
            settings=(SettingRule("require_pushed_authorization_requests", bool, "true", True),),
        ),
        Rule(
            name="authenticated_push",
            section=f"{_S}3.2.2-4",
            text="Who pushes a request authenticates.",
        ),
        pkce(f"{_S}3.2.2-5"),
        redirect_uri_named(f"{_S}3.2.2-6"),
        Rule(name="iss", section=f"{_S}3.2.2-7", text="Authorization responses say by iss who sends them."),
        https_redirects(f"{_S}3.2.2-8", loopback=True),
        Rule(name="code_once", section=f"{_S}3.2.2-9", text="A code is good once; a second time ends what it bought."),
        Rule(
            name="redirect_status",
            section=f"{_S}3.2.2-10",
            text="Redirects have the status 303, which carries no form on to another site.",
        ),
        Rule(
            name="pushed_lifetime",
            section=f"{_S}3.2.2-12",
            text=f"Pushed requests live less than {PUSHED_LIFETIME} seconds.",
            settings=(
                SettingRule(
                    "par_lifetime",
                    lambda ours: ours < PUSHED_LIFETIME,
                    f"less than {PUSHED_LIFETIME}",
                    for_each_client=True,
                ),
            ),
            demands=Demands(pushed_lifetime=PUSHED_LIFETIME - 1),
        ),
        algorithms(f"{_S}4.1-1", ALGORITHMS),
    ),
)
