"""The operators' port: probes, metrics, the console, the admin API and the decision API.

It is a web.Application with its router, as paths have variable parts here and microseconds do not matter.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from service.admin import audit
from service.admin.operations.statistics import sampled
from service.admin.statistics import Statistics
from service.fronts import admin_api, console, decision_api
from service.fronts.admin_api import problems
from service.fronts.connections import Connections
from service.fronts.health import Health
from service.fronts.methods import Handler, route
from service.fronts.oauth import rendered
from service.fronts.watching import watching_middleware
from service.issuer import Issuer
from service.protocol.decision import SERVER
from service.protocol.errors import InvalidRequest, ProtocolError
from service.settings import Settings


def make_application(issuer: Issuer, health: Health) -> web.Application:
    """Return the application for ``admin_port``."""
    routes: dict[str, Handler] = health.admin_handlers()
    watched = watching_middleware(issuer, frozenset(routes))
    application = web.Application(client_max_size=issuer.settings.max_body, middlewares=[watched])
    application.on_response_prepare.append(_sign)
    application.add_routes([route(path, handler) for path, handler in routes.items()])
    if admin_api.is_on(issuer.settings):
        statistics = Statistics(issuer)
        application.middlewares.append(_with_statistics(statistics))
        application.cleanup_ctx.append(lambda _: _sampling(issuer, statistics))
        admin_api.add_admin_api(application, issuer)
    else:
        application.add_routes(admin_api.routes_while_off())
    application.add_routes(console.make_routes(issuer) if issuer.settings.admin_tokens else console.routes_while_off())
    application.cleanup_ctx.append(lambda _: _auditing(issuer))
    application.add_routes(decision_api.routes(issuer))
    application.add_routes([route("/{anything:.*}", _not_found)])
    return application


def hint(settings: Settings) -> str:
    """Return what to set for what this port lacks without it, for the log; "" where it lacks nothing."""
    if settings.admin_tokens:
        return ""
    off = "the console is" if admin_api.is_on(settings) else "console and admin API are"
    return f"{off} off: set admin_tokens (`mintmark admin-token` makes a token)"


async def _not_found(_: web.BaseRequest) -> web.StreamResponse:
    paths = "/console, /admin/v1 (described by /openapi.json), /api, /metrics, /readyz and /livez"
    return rendered(InvalidRequest(f"There is nothing here; at this port are {paths}.", status=404))


class OperatorsRunner(web.AppRunner):
    """Runs the application on our ``Connections``."""

    def __init__(self, issuer: Issuer, application: web.Application, shutdown_timeout: float) -> None:
        super().__init__(application, access_log=None, shutdown_timeout=shutdown_timeout)
        self._issuer = issuer

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return Connections(self._issuer, made.request_handler, made.request_factory, _refused)


def _refused(error: ProtocolError) -> web.Response:
    """Return the answer to what never gets to a front, as its path is not known: that of the admin API."""
    return problems.render(problems.of_protocol_error(error))


def _with_statistics(statistics: Statistics) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return the middleware that lets operations see the numbers that this process has sampled."""

    @web.middleware
    async def middleware(http: web.Request, handler: Handler) -> web.StreamResponse:
        with sampled(statistics):
            return await handler(http)

    return middleware


async def _sampling(issuer: Issuer, statistics: Statistics) -> AsyncIterator[None]:
    """Sample numbers as long as the application runs."""
    issuer.background.start("statistics", statistics.keep)
    yield


async def _auditing(issuer: Issuer) -> AsyncIterator[None]:
    """Write the sums of acts to the audit log once a minute, and at the end."""
    issuer.background.start("audit_sums", lambda: audit.keep_sums(issuer))
    yield
    await audit.write_sums(issuer)


async def _sign(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SERVER)
