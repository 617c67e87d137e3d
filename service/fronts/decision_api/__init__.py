"""The decision API: callers keep their own pages and users, and ask here what the protocol says; on the wire like Authlete 2.

One file a group of calls, and the list. ``mounting`` turns HTTP into a ``Call`` and a ``Body``, and a ``CallResult`` into JSON;
the rules are those of ``endpoints``, ``grants`` and ``issuing``, and stand there only.
"""

from aiohttp import web

from service.fronts.decision_api import (
    authorization,
    authorization_outcome,
    backchannel,
    backchannel_completion,
    client_authorizations,
    client_registration,
    clients,
    device,
    introspection,
    mounting,
    pushed_authorization,
    revocation,
    services,
    token,
    token_administration,
    token_outcome,
    userinfo,
)
from service.issuer import Issuer

ROUTES = (
    *authorization.ROUTES,
    *authorization_outcome.ROUTES,
    *pushed_authorization.ROUTES,
    *backchannel.ROUTES,
    *backchannel_completion.ROUTES,
    *device.ROUTES,
    *token.ROUTES,
    *token_outcome.ROUTES,
    *token_administration.ROUTES,
    *introspection.ROUTES,
    *revocation.ROUTES,
    *userinfo.ROUTES,
    *services.ROUTES,
    *clients.ROUTES,
    *client_registration.ROUTES,
    *client_authorizations.ROUTES,
)
"""Every call."""

__all__ = ["ROUTES", "routes"]


def routes(issuer: Issuer) -> list[web.RouteDef]:
    """For the operators' port; without API keys every call is answered that it is not offered."""
    return mounting.routes(issuer, ROUTES) if issuer.settings.decision_api_keys else mounting.routes_while_off()
