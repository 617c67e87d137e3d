"""Authorization server metadata (RFC 8414), derived from the registries: what is not on is not in it."""

from typing import Any

from service.client_auth import METHODS
from service.grants import GRANT_TYPES
from service.protocol.names import ClientAuthMethod
from service.settings import Settings

PATH = "/.well-known/oauth-authorization-server"
INTROSPECT_PATH = "/introspect"
REVOKE_PATH = "/revoke"


def metadata(settings: Settings) -> dict[str, Any]:
    """The document for ``PATH`` (RFC 8414 section 2)."""
    methods = [method.NAME.value for method in METHODS]
    return {
        "issuer": settings.issuer,
        "token_endpoint": settings.issuer + settings.token_paths[0],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint": settings.issuer + INTROSPECT_PATH,
        "introspection_endpoint_auth_methods_supported": [name for name in methods if name != ClientAuthMethod.NONE],
        "revocation_endpoint": settings.issuer + REVOKE_PATH,
        "revocation_endpoint_auth_methods_supported": methods,
        "grant_types_supported": list(GRANT_TYPES),
        "response_types_supported": [],
        "code_challenge_methods_supported": ["S256"],
        **({"scopes_supported": sorted(settings.scopes)} if settings.scopes else {}),
    }
