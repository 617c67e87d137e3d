"""Server metadata (RFC 8414, OpenID Connect Discovery 3), derived from the registries: what is not on is not in it."""

from typing import Any

from service.client_auth import METHODS
from service.crypto.client_keys import ALGORITHMS as CLIENT_ALGORITHMS
from service.crypto.keyring import Keyring
from service.grants import GRANT_TYPES
from service.issuer import Issuer
from service.protocol.claims import OURS, SCOPE_CLAIMS
from service.protocol.names import (
    OFFLINE_ACCESS,
    OPENID,
    ClientAuthMethod,
    GrantTypeName,
    Prompt,
    ResponseMode,
    ResponseType,
    SubjectType,
)
from service.tokens.assertions import HMAC

PATH = "/.well-known/oauth-authorization-server"
OPENID_PATH = "/.well-known/openid-configuration"
AUTHORIZE_PATH = "/authorize"
INTROSPECT_PATH = "/introspect"
REVOKE_PATH = "/revoke"
USERINFO_PATH = "/userinfo"
JWKS_PATH = "/jwks"
REGISTER_PATH = "/register"
LOGOUT_PATH = "/logout"

_TOLD_IN_ID_TOKENS = ("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid")


def metadata(issuer: Issuer) -> dict[str, Any]:
    """The document for ``PATH`` and ``OPENID_PATH`` (RFC 8414 section 2, OpenID Connect Discovery section 3)."""
    document = _oauth(issuer)
    if issuer.keyring is not None:
        document |= _openid(issuer, issuer.keyring) | _logout(issuer)
    return {name: value for name, value in document.items() if value is not None}


def _oauth(issuer: Issuer) -> dict[str, Any]:
    settings = issuer.settings
    methods = [method.NAME.value for method in METHODS if _is_on(issuer, method.NAME)]
    algorithms = [*CLIENT_ALGORITHMS, *(HMAC if issuer.sealing.current else ())]
    implicit = any(not one.parts <= {"code"} for one in settings.response_types if one is not ResponseType.NONE)
    return {
        "issuer": issuer.url,
        "authorization_endpoint": issuer.url_of(AUTHORIZE_PATH),
        "token_endpoint": issuer.url_of(settings.token_paths[0]),
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint": issuer.url_of(INTROSPECT_PATH),
        "introspection_endpoint_auth_methods_supported": [name for name in methods if name != ClientAuthMethod.NONE],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint": issuer.url_of(REVOKE_PATH),
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "registration_endpoint": None if settings.registration == "off" else issuer.url_of(REGISTER_PATH),
        "grant_types_supported": [*GRANT_TYPES, *([GrantTypeName.IMPLICIT] if implicit else [])],
        "response_types_supported": [one.value for one in _response_types(issuer)],
        "response_modes_supported": [mode.value for mode in ResponseMode],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": sorted({*settings.scopes, *_standard_scopes(issuer)}) or None,
        "op_policy_uri": settings.op_policy_uri,
        "op_tos_uri": settings.op_tos_uri,
    }


def _is_on(issuer: Issuer, method: ClientAuthMethod) -> bool:
    """Secrets that have to be read again are kept encrypted only."""
    return method is not ClientAuthMethod.CLIENT_SECRET_JWT or bool(issuer.sealing.current)


def _openid(issuer: Issuer, keyring: Keyring) -> dict[str, Any]:
    settings = issuer.settings
    algorithms = [algorithm.value for algorithm in keyring.algorithms]
    told = {name for names in (*SCOPE_CLAIMS.values(), *settings.scope_claims.values()) for name in names}
    prompts = [prompt.value for prompt in Prompt if prompt is not Prompt.CREATE or settings.sign_up_url]
    objects = settings.request_objects
    return {
        "userinfo_endpoint": issuer.url_of(USERINFO_PATH),
        "jwks_uri": issuer.url_of(JWKS_PATH),
        "subject_types_supported": [
            one.value for one in SubjectType if one is SubjectType.PUBLIC or settings.pairwise_salt
        ],
        "id_token_signing_alg_values_supported": algorithms,
        "userinfo_signing_alg_values_supported": algorithms,
        "request_object_signing_alg_values_supported": list(CLIENT_ALGORITHMS) if objects != "off" else None,
        "request_parameter_supported": objects != "off",
        "request_uri_parameter_supported": objects == "by_reference",
        "require_request_uri_registration": True if objects == "by_reference" else None,
        "claims_parameter_supported": True,
        "claim_types_supported": ["normal"],
        "claims_supported": [*_TOLD_IN_ID_TOKENS, *sorted(told - OURS)],
        "introspection_signing_alg_values_supported": algorithms,
        "acr_values_supported": [settings.acr],
        "prompt_values_supported": prompts,
        "display_values_supported": ["page", "popup", "touch", "wap"],
    }


def _logout(issuer: Issuer) -> dict[str, Any]:
    return {
        "end_session_endpoint": issuer.url_of(LOGOUT_PATH),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
    }


def _response_types(issuer: Issuer) -> list[ResponseType]:
    """Without keys there are no ID tokens."""
    offered = issuer.settings.response_types
    return [one for one in offered if issuer.keyring is not None or "id_token" not in one.parts]


def _standard_scopes(issuer: Issuer) -> tuple[str, ...]:
    return (OPENID, *SCOPE_CLAIMS, OFFLINE_ACCESS) if issuer.keyring is not None else ()
