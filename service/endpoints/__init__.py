"""The endpoints, one file each. HTTP belongs to the fronts, Redis to the store.

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
    """Return the discovery document: members of this service, and those of each endpoint that is on."""
    return metadata.discovery(issuer, ENDPOINTS.values())
