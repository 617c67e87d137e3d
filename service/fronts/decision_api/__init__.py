"""The decision API, for callers with their own pages and users: they ask here for each decision of the protocol.

Its format is that of Authlete 2. Each group of calls has one file. ``mounting`` turns HTTP into a ``Call`` and a ``Body``, and
a ``CallResult`` into JSON; the rules are those of ``endpoints``, ``grants`` and ``issuing``, and only there.
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
    """Return the routes for the operators' port; without API keys every call is answered as not offered."""
    return mounting.routes(issuer, ROUTES) if issuer.settings.decision_api_keys else mounting.routes_while_off()
