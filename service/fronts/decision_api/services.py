"""The service as Authlete's Service object, its metadata and its public keys; read-only, as they follow from the settings."""

import re
from collections.abc import Iterable
from typing import Any, NoReturn

import orjson

from service.endpoints import discovery, jwks
from service.fronts.decision_api.body import Text
from service.fronts.decision_api.call import Body, Call, CallError, CallResult, Route
from service.fronts.decision_api.client_json import enum_name
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.windows import WindowBody, cut
from service.issuer import Issuer
from service.records.client import Client
from service.settings import Settings

_IS_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_SAME = {
    "issuer": "issuer",
    "authorizationEndpoint": "authorization_endpoint",
    "tokenEndpoint": "token_endpoint",
    "revocationEndpoint": "revocation_endpoint",
    "pushedAuthReqEndpoint": "pushed_authorization_request_endpoint",
    "parRequired": "require_pushed_authorization_requests",
    "introspectionEndpoint": "introspection_endpoint",
    "userInfoEndpoint": "userinfo_endpoint",
    "jwksUri": "jwks_uri",
    "registrationEndpoint": "registration_endpoint",
    "endSessionEndpoint": "end_session_endpoint",
    "policyUri": "op_policy_uri",
    "tosUri": "op_tos_uri",
    "supportedClaims": "claims_supported",
    "supportedAcrs": "acr_values_supported",
    "supportedAuthorizationDetailsTypes": "authorization_details_types_supported",
}
_WORDS = {
    "supportedGrantTypes": "grant_types_supported",
    "supportedResponseTypes": "response_types_supported",
    "supportedTokenAuthMethods": "token_endpoint_auth_methods_supported",
    "supportedRevocationAuthMethods": "revocation_endpoint_auth_methods_supported",
    "supportedIntrospectionAuthMethods": "introspection_endpoint_auth_methods_supported",
    "supportedPromptValues": "prompt_values_supported",
    "supportedDisplays": "display_values_supported",
}
"""Authlete's members for members of the metadata document whose words are names of enumerations."""


async def get(call: Call, _: Body) -> CallResult:
    """Return this service; there is no other one."""
    if call.path.get("key", call.api_key) != call.api_key:
        raise CallError(ResultCode.NOT_FOUND, "A key gives access to its own service.", status=404)
    return CallResult(members=_describe(call.issuer, call.api_key))


async def get_list(call: Call, body: WindowBody) -> CallResult:
    """Return a list with only this service."""
    window = cut([_describe(call.issuer, call.api_key)], body)
    return CallResult(members=window.members(body) | {"services": list(window.items)})


async def change(_: Call, __: Body) -> NoReturn:
    """Refuse any change, as the settings determine the service."""
    text = "The settings are the service: nothing of it is created, changed or deleted by API."
    raise CallError(ResultCode.UNSUPPORTED, text, status=403)


def number_of_key(api_key: str) -> int | None:
    """Return the API key as a number, which SDKs use as the id of the service; None where it is no number."""
    return int(api_key) if _IS_NUMBER.fullmatch(api_key) else None


def _scopes_json(settings: Settings, names: Iterable[str], default: str) -> list[dict[str, Any]]:
    """Return scopes in Authlete's form; ``default`` has the scopes of a request that names none."""
    described, usual = settings.scopes, default.split()
    return [{"name": name, "description": described.get(name), "defaultEntry": name in usual} for name in names]


def scopes_json(issuer: Issuer, client: Client, names: Iterable[str]) -> list[dict[str, Any]]:
    """Return the scopes of a request of this client; its default scope may be empty, which is not that of the settings."""
    default = issuer.settings.default_scope if client.default_scope is None else client.default_scope
    return _scopes_json(issuer.settings, names, default)


def _describe(issuer: Issuer, api_key: str) -> dict[str, Any]:
    settings, document = issuer.settings, discovery(issuer)
    members: dict[str, Any] = {theirs: document.get(ours) for theirs, ours in _SAME.items()}
    members |= {theirs: [enum_name(word) for word in document.get(ours) or ()] for theirs, ours in _WORDS.items()}
    members |= {
        "apiKey": number_of_key(api_key),
        "serviceName": issuer.url,
        "supportedScopes": _scopes_json(settings, document.get("scopes_supported") or (), settings.default_scope),
        "accessTokenType": "Bearer",
        "tlsClientCertificateBoundAccessTokens": document.get("tls_client_certificate_bound_access_tokens"),
        "mtlsEndpointAliases": [
            {"name": name, "uri": uri} for name, uri in document.get("mtls_endpoint_aliases", {}).items()
        ]
        or None,
        "dpopNonceRequired": settings.dpop_nonce_required,
        "dpopNonceDuration": settings.dpop_nonce_lifetime,
        "accessTokenDuration": settings.access_token_lifetime,
        "refreshTokenDuration": settings.refresh_idle_lifetime,
        "pushedAuthReqDuration": settings.par_lifetime,
        "idTokenDuration": settings.id_token_lifetime,
        "pkceRequired": settings.require_pkce,
        "clientIdAliasEnabled": True,
        "dynamicRegistrationSupported": settings.registration != "off",
    }
    return {name: value for name, value in members.items() if value is not None}


# documents that describe the service


class ConfigurationBody(Body):
    """The parameters of a call for the metadata."""

    pretty: bool = True
    patch: Text = ""


class JwksBody(Body):
    """The parameters of a call for the keys."""

    pretty: bool = True
    include_private_keys: bool = False


async def configuration(call: Call, body: ConfigurationBody) -> bytes:
    """Return the metadata of OpenID Connect Discovery and RFC 8414. A ``patch`` is refused, as it would make them untrue."""
    if body.patch:
        raise CallError(ResultCode.UNSUPPORTED, "patch: the document says what this service does.")
    return _json(discovery(call.issuer), pretty=body.pretty)


async def service_jwks(call: Call, body: JwksBody) -> bytes:
    """Return our public keys. A request for private ones is refused."""
    if body.include_private_keys:
        raise CallError(ResultCode.UNSUPPORTED, "includePrivateKeys: private keys never leave this service.")
    if call.issuer.keyring is None:
        return b'{"keys":[]}'
    return _json(orjson.loads(jwks.decide(call.issuer).content), pretty=body.pretty)


def _json(document: object, *, pretty: bool) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 if pretty else None)


_CHANGES = ("create", "update", "update/{key}", "delete", "delete/{key}")
ROUTES = (
    Route("/service/configuration", configuration, ConfigurationBody, ("POST", "GET")),
    Route("/service/jwks/get", service_jwks, JwksBody, ("GET",)),
    Route("/service/get/list", get_list, WindowBody, ("GET",)),
    Route("/service/get", get, methods=("GET",)),
    Route("/service/get/{key}", get, methods=("GET",)),
    *(Route(f"/service/{path}", change, methods=("POST", "DELETE")) for path in _CHANGES),
)
