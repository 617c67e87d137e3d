"""The service as Authlete's Service object: to be read. What it is, the settings say, and no call changes them."""

import re
from typing import Any, NoReturn

from service.endpoints import discovery
from service.fronts.decision_api.answering import CallError, CallResult
from service.fronts.decision_api.body import Nothing
from service.fronts.decision_api.client_json import enum_name
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.route import Call, Route
from service.fronts.decision_api.windows import WindowBody, cut
from service.issuer import Issuer

_IS_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_SAME = {
    "issuer": "issuer",
    "authorizationEndpoint": "authorization_endpoint",
    "tokenEndpoint": "token_endpoint",
    "revocationEndpoint": "revocation_endpoint",
    "introspectionEndpoint": "introspection_endpoint",
    "userInfoEndpoint": "userinfo_endpoint",
    "jwksUri": "jwks_uri",
    "registrationEndpoint": "registration_endpoint",
    "endSessionEndpoint": "end_session_endpoint",
    "policyUri": "op_policy_uri",
    "tosUri": "op_tos_uri",
    "supportedClaims": "claims_supported",
    "supportedAcrs": "acr_values_supported",
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
"""Their members and those of the metadata document; the words of the second kind are names of enumerations there."""


async def get(call: Call, _: Nothing) -> CallResult:
    """This service, for the holder of a key of it; there is no other one."""
    if call.path.get("key", call.api_key) != call.api_key:
        raise CallError(ResultCode.NOT_FOUND, "A key gives access to its own service.", status=404)
    return CallResult(members=_describe(call.issuer, call.api_key))


async def get_list(call: Call, body: WindowBody) -> CallResult:
    """This service alone."""
    window = cut([_describe(call.issuer, call.api_key)], body)
    return CallResult(members=window.members(body) | {"services": list(window.items)})


async def change(_: Call, __: Nothing) -> NoReturn:
    """Refused, whatever it is."""
    raise CallError(
        ResultCode.UNSUPPORTED,
        "The settings are the service: nothing of it is created, changed or deleted by API.",
        status=403,
    )


def number_of_key(api_key: str) -> int | None:
    """The id of the service for SDKs to whom it is a number: the API key, None where it is none."""
    return int(api_key) if _IS_NUMBER.fullmatch(api_key) else None


def _describe(issuer: Issuer, api_key: str) -> dict[str, Any]:
    settings, document = issuer.settings, discovery(issuer)
    members: dict[str, Any] = {theirs: document.get(ours) for theirs, ours in _SAME.items()}
    members |= {theirs: [enum_name(word) for word in document.get(ours) or ()] for theirs, ours in _WORDS.items()}
    members |= {
        "apiKey": number_of_key(api_key),
        "serviceName": issuer.url,
        "supportedScopes": [
            {
                "name": name,
                "description": settings.scopes.get(name),
                "defaultEntry": name in settings.default_scope.split(),
            }
            for name in document.get("scopes_supported") or ()
        ],
        "accessTokenType": "Bearer",
        "accessTokenDuration": settings.access_token_lifetime,
        "refreshTokenDuration": settings.refresh_idle_lifetime,
        "idTokenDuration": settings.id_token_lifetime,
        "pkceRequired": settings.require_pkce,
        "clientIdAliasEnabled": True,
        "dynamicRegistrationSupported": settings.registration != "off",
    }
    return {name: value for name, value in members.items() if value is not None}


ROUTES = (
    Route("/service/get/list", get_list, WindowBody, ("GET",)),
    Route("/service/get", get, methods=("GET",)),
    Route("/service/get/{key}", get, methods=("GET",)),
    *(
        Route(path, change, methods=("POST", "DELETE"))
        for path in (
            "/service/create",
            "/service/update",
            "/service/update/{key}",
            "/service/delete",
            "/service/delete/{key}",
        )
    ),
)
