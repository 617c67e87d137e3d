"""FAPI 2.0 Message Signing, Final (September 2025): the Security Profile, and requests and responses signed."""

from service.protocol.profiles import fapi2_security
from service.protocol.profiles.common_rules import (
    request_object_claims,
    signed_requests,
)
from service.protocol.profiles.demands import Demands
from service.protocol.profiles.rule import (
    Rule,
    SecurityProfile,
    SettingRule,
)

_S = "FAPI 2.0 Message Signing 5."
_SIGNED_BY = tuple(one.value for one in fapi2_security.ALGORITHMS)

PROFILE = SecurityProfile(
    title="FAPI 2.0 Message Signing",
    rules=(
        *fapi2_security.PROFILE.rules,
        signed_requests(f"{_S}3.1-1"),
        request_object_claims(f"{_S}3.1-2"),
        Rule(
            name="signed_responses",
            section=f"{_S}4.1-1",
            text="Authorization responses travel as signed JWTs (response_mode jwt).",
            settings=(
                SettingRule("openid", bool, "on (settings master_key, signing_key_files)", for_each_client=True),
            ),
            demands=Demands(jwt_response=True),
        ),
        Rule(
            name="signed_introspection",
            section=f"{_S}5.1-1",
            text="Introspection is signed where the API asks for a JWT, with an algorithm of the profile.",
            member="introspection_signed_response_alg",
            remedy="--introspection-alg PS256",
            holds=lambda client: client.introspection_signed_response_alg in _SIGNED_BY,
            members=lambda _, here: {
                "introspection_signed_response_alg": next(
                    (one for one in _SIGNED_BY if one in here.algorithms), _SIGNED_BY[0]
                )
            },
            concerns=lambda client: client.introspect,
        ),
    ),
)
