"""The endpoints: each is ``decide(issuer, request) -> Decision``. HTTP is the fronts' business, Redis the store's.

To add one: a file with ``NAME`` and ``decide``, and its name in the list below.
"""

from service.endpoints import introspect, metadata, revoke, token

ENDPOINTS = {module.NAME: module.decide for module in (introspect, revoke, token)}
"""Every endpoint that takes a form, by its name."""

__all__ = ["ENDPOINTS", "introspect", "metadata", "revoke", "token"]
