"""The operators' port: probes and metrics, and what the fronts for operators and for calling backends put there.

A web.Application with its router, for paths have names in them here and nobody counts microseconds.
"""

from aiohttp import web

from service.fronts import decision_api
from service.fronts.health import Handler, Health
from service.fronts.oauth import not_found
from service.fronts.watching import watching_middleware
from service.issuer import Issuer
from service.protocol.decision import SERVER


def make_application(issuer: Issuer, health: Health) -> web.Application:
    """Everything that answers at ``admin_port``."""
    routes: dict[str, Handler] = health.admin_handlers()
    watched = watching_middleware(issuer, frozenset(routes))
    application = web.Application(client_max_size=issuer.settings.max_body, middlewares=[watched])
    application.on_response_prepare.append(_sign)
    application.add_routes([web.route("*", path, handler) for path, handler in routes.items()])
    application.add_routes(decision_api.routes(issuer))
    application.router.add_route("*", "/{anything:.*}", not_found)
    return application


async def _sign(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SERVER)
