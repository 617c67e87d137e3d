"""The endpoints, one file each. HTTP is the fronts' business, Redis the store's.

Clients call ``decide(issuer, request) -> Decision``, browsers ``decide(issuer, visit) -> Reply``. To add one: a file with
``NAME`` and ``decide``, and its name in one of the lists below.
"""

from service.endpoints import (
    applications,
    authorize,
    consent,
    introspect,
    login,
    logout,
    metadata,
    register,
    revoke,
    token,
    userinfo,
)

ENDPOINTS = {module.NAME: module.decide for module in (introspect, register, revoke, token, userinfo)}
"""Every endpoint that clients call, by its name."""

PAGES = {module.NAME: module.decide for module in (applications, authorize, consent, login, logout)}
"""Every endpoint that people come to with their browser, by its name."""

__all__ = ["ENDPOINTS", "PAGES", "introspect", "metadata", "revoke", "token"]
