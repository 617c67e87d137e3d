"""Authlete's calls that are not offered here, with their replacements, for callers that migrate."""

from service.fronts.decision_api.call import CallResult
from service.fronts.decision_api.result_codes import ResultCode

_INSTEAD = {
    "auth/authorization/ticket": "What a ticket is about is in the response of /auth/authorization: keep it until "
    "/auth/authorization/issue.",
    "auth/token/create/batch": "Call /auth/token/create once for each token.",
    "idtoken/reissue": "A refresh at /auth/token brings a new ID token where the scope openid is granted.",
    "gm": "Clients manage their grants themselves (grant_management). For backends there are "
    "/client/authorization/get/list, update and delete, and /auth/token/revoke.",
    "jose/verify": "Verify what others signed with a JOSE library; our public keys are at /service/jwks/get.",
    "hsk": "Keys are managed with `mintmark key`; none is in a hardware module.",
    "federation": "OpenID Federation is not supported: register clients by /client/create or /client/registration.",
    "vci": "Verifiable credentials are not issued here.",
    "nativesso": "Native SSO is not supported: each app uses the authorization code with PKCE.",
    "attestation": "Client attestation is not supported: clients prove themselves by private_key_jwt, for one.",
    "misc/echo": "Whether the service is there, /livez and /readyz say, at the same port and without credentials.",
    "lifecycle/healthcheck": "Whether the service is there, /livez and /readyz say, at the same port and without credentials.",
    "info": "What the service offers is at /service/configuration.",
}
"""Replacements by the beginning of the path below ``/api`` or ``/api/{serviceId}``, for Authlete 2.x and 3.0."""


def not_offered(method: str, path: str, below: str) -> CallResult:
    """Return 404 with a message that an SDK shows: the call, and its replacement if there is one.

    Args:
        method: The method of the request.
        path: The whole path of the request.
        below: The path below ``/api`` and the id of the service.
    """
    called = f"{method[:16]} {path[:200]}"
    beginnings = (instead for begins, instead in _INSTEAD.items() if f"{below}/".startswith(f"{begins}/"))
    instead = next(beginnings, "Authlete has no such call, either: see its path and the id of the service in it.")
    return CallResult(ResultCode.NOT_OFFERED, detail=f"{called}: {instead}", status=404)
