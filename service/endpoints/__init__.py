"""The endpoints, one file each. HTTP is the fronts' business, Redis the store's.

To add one: a file with its ``ENDPOINT``, and its name in the list below.
"""

from typing import Any

from service.endpoints import (
    applications,
    approvals,
    authorize,
    backchannel_authentication,
    consent,
    device,
    device_authorization,
    grants,
    introspect,
    jwks,
    login,
    logout,
    metadata,
    pushed_authorization,
    register,
    revoke,
    token,
    userinfo,
)
from service.endpoints.endpoint import Endpoint
from service.issuer import Issuer

ENDPOINTS: dict[str, Endpoint] = {
    module.ENDPOINT.name: module.ENDPOINT
    for module in (
        authorize,
        pushed_authorization,
        backchannel_authentication,
        token,
        introspect,
        revoke,
        device_authorization,
        register,
        userinfo,
        jwks,
        login,
        consent,
        device,
        logout,
        applications,
        approvals,
        grants,
    )
}
"""Every endpoint by its name; routes, discovery, CORS, metric labels and reserved paths derive from it."""

__all__ = ["ENDPOINTS", "Endpoint", "discovery"]


def discovery(issuer: Issuer) -> dict[str, Any]:
    """The discovery document: what this service is, and what each endpoint that is on adds."""
    return metadata.discovery(issuer, ENDPOINTS.values())
