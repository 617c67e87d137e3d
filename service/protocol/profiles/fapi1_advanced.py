"""Financial-grade API Security Profile 1.0, Part 2: Advanced, Final (March 2021); Part 1 is Baseline, on which it builds."""

from service.protocol.names import ResponseType, SigningAlgorithm
from service.protocol.profiles.common_rules import (
    UNBOUND_DELIVERY,
    algorithms,
    client_authentication,
    confidential_clients,
    https_redirects,
    no_password,
    redirect_uri_named,
    request_object_claims,
    signed_requests,
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

_S = "FAPI 1.0 Advanced "
_BASELINE = "FAPI 1.0 Baseline "
_RESPONSE_TYPES = (ResponseType.CODE, ResponseType.CODE_ID_TOKEN)


def _answers_with_codes(client: ClientMembers) -> bool:
    return set(client.response_types) <= set(_RESPONSE_TYPES)


PROFILE = SecurityProfile(
    title="FAPI 1.0 Advanced",
    rules=(
        no_password(f"{_S}5.2.2-2"),
        signed_requests(f"{_S}5.2.2-1"),
        Rule(
            name="response_types",
            section=f"{_S}5.2.2-2",
            text="The response type is code id_token, or code with response_mode jwt.",
            member="response_types",
            remedy='--response-type "code id_token", or --response-type code, and no others',
            holds=_answers_with_codes,
            concerns=sends_users,
            settings=(
                SettingRule(
                    "response_types",
                    lambda ours: set(ours) <= set(_RESPONSE_TYPES),
                    "code, code id_token or both",
                    tuple(one.value for one in _RESPONSE_TYPES),
                ),
            ),
            demands=Demands(jwt_response=True),
        ),
        Rule(
            name="certificate_bound",
            section=f"{_S}5.2.2-5",
            text="Access tokens are bound to the client's certificate.",
            member="tls_client_certificate_bound_access_tokens",
            remedy="--certificate-bound",
            holds=lambda client: client.tls_client_certificate_bound_access_tokens,
            members=lambda _, __: {"tls_client_certificate_bound_access_tokens": True},
            refused_delivery_modes=UNBOUND_DELIVERY,
            settings=(
                SettingRule(
                    "takes_client_certificates",
                    bool,
                    "on (settings mtls_port, forwarded_certificate)",
                    for_each_client=True,
                ),
            ),
        ),
        request_object_claims(f"{_S}5.2.2-13"),
        client_authentication(f"{_S}5.2.2-14"),
        confidential_clients(f"{_S}5.2.2-16"),
        Rule(
            name="pkce_when_pushed",
            section=f"{_S}5.2.2-18",
            text="Pushed requests have a PKCE challenge with S256.",
            member="allow_plain_pkce",
            remedy="not --allow-plain-pkce",
            holds=lambda client: not client.allow_plain_pkce,
            concerns=uses_codes,
            demands=Demands(pkce_when_pushed=True),
        ),
        Rule(
            name="state_hash",
            section=f"{_S}5.2.2.1-5",
            text="ID tokens from the authorization endpoint protect the state by s_hash.",
            demands=Demands(state_hash=True),
        ),
        redirect_uri_named(f"{_BASELINE}5.2.2-9"),
        https_redirects(f"{_BASELINE}5.2.2-20", loopback=False),
        Rule(
            name="nonce",
            section=f"{_BASELINE}5.2.2.2-1",
            text="Requests with the scope openid have a nonce.",
            demands=Demands(nonce=True),
        ),
        Rule(
            name="scope_named",
            section="OpenID Connect Core 3.1.2.1",
            text="Requests name their scope.",
            demands=Demands(scope=True),
        ),
        algorithms(f"{_S}8.6-1", (SigningAlgorithm.PS256, SigningAlgorithm.ES256)),
    ),
)
