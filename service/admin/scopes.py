"""The scopes that the settings describe, and those of OpenID Connect."""

from typing import Any

from service.issuer import Issuer
from service.protocol.claims import SCOPE_CLAIMS
from service.protocol.names import OFFLINE_ACCESS, OPENID


async def list_scopes(issuer: Issuer) -> list[dict[str, Any]]:
    """Return every scope that is defined here, by name: its description for users, and the claims that it lets clients see.

    Clients may have others, which only their resource servers understand.
    """
    settings = issuer.settings
    standard = {OPENID, OFFLINE_ACCESS, *SCOPE_CLAIMS} if settings.openid else set()
    names = {*settings.scopes, *settings.scope_claims, *standard}
    return [
        {
            "scope": name,
            "description": settings.scopes.get(name, ""),
            "claims": sorted({*settings.scope_claims.get(name, ()), *(SCOPE_CLAIMS.get(name, ()) if standard else ())}),
            "standard": name in standard,
        }
        for name in sorted(names)
    ]
