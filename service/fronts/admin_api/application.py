"""The admin API as a part of the operators' application: one handler for all routes, with all checks."""

import logging
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
from aiohttp import hdrs, web

from service.admin.errors import AdminError
from service.admin.operations import perform
from service.fronts import methods
from service.fronts.admin_api import problems
from service.fronts.admin_api.openapi import document
from service.fronts.admin_api.problems import HEADERS, Problem
from service.fronts.admin_api.routes import IF_MATCH, OPENAPI_PATH, PREFIX, ROUTES, OperationRoute
from service.fronts.admin_api.who import operator
from service.fronts.methods import Handler
from service.fronts.receiving import body
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.settings import Settings

log = logging.getLogger(__name__)

JSON = "application/json"


def is_on(settings: Settings) -> bool:
    """Whether the settings let any operator use it."""
    return bool(settings.admin_tokens or settings.admin_client_ca_file)


def add_admin_api(application: web.Application, issuer: Issuer) -> None:
    """Add the routes of the admin API and its OpenAPI document."""
    application.add_routes([methods.route(OPENAPI_PATH, methods.by_method(("GET",), _document, _refused))])
    inner = web.Application()
    paths: dict[str, dict[str, OperationRoute]] = {}
    for route in sorted(ROUTES, key=lambda route: len(route.path_members)):  # /grants/find before /grants/{grant_id}
        paths.setdefault(route.path, {})[route.method] = route
    for path, routes in paths.items():
        inner.add_routes([methods.route(path, methods.by_method(routes, _handler(issuer, routes), _refused))])
    inner.add_routes([methods.route("/{anything:.*}", _handler(issuer, {}))])
    application.add_subapp(PREFIX, inner)


def routes_while_off() -> list[web.RouteDef]:
    """Return the routes without any operator, which answer that the API is off."""
    text = "The admin API is off: set admin_tokens (`mintmark admin-token` makes a token), or admin_client_ca_file."

    async def handle(_: web.BaseRequest) -> web.StreamResponse:
        return problems.render(Problem(problems.NO_SUCH_PATH, text))

    return [methods.route(path, handle) for path in (OPENAPI_PATH, PREFIX, f"{PREFIX}/{{anything:.*}}")]


def _handler(issuer: Issuer, routes: Mapping[str, OperationRoute]) -> Handler:
    """Return the handler of one path: it authenticates the operator, performs the operation and answers errors."""

    async def handle(http: Any) -> web.StreamResponse:  # noqa: ANN401 (aiohttp declares a BaseRequest)
        try:
            actor = await operator(issuer, http)
            route = routes.get("GET" if http.method == "HEAD" else http.method)
            if route is None:
                raise Problem(problems.NO_SUCH_PATH, f"See {OPENAPI_PATH}.")
            result = await perform(issuer, route.operation, await _input(http, route), actor)
        except Exception as error:  # noqa: BLE001 (whatever an operation raises is a problem document)
            return problems.render(_problem(issuer, http, error))
        etag: dict[str, str] = {hdrs.ETAG: result.etag} if result.etag else {}
        body = orjson.dumps(result.body)
        return web.Response(body=body, status=route.status, content_type=JSON, headers={**HEADERS, **etag})

    return handle


async def _refused(_: web.BaseRequest, error: ProtocolError) -> web.StreamResponse:
    return problems.render(problems.of_protocol_error(error))


def _problem(issuer: Issuer, http: web.Request, error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, AdminError):
        return problems.of_admin_error(error)
    if isinstance(error, TemporarilyUnavailable):
        log.warning(Event.ADMIN_API_UNAVAILABLE, extra={"path": _path(http), "reason": error.log or error.description})
        detail = "Redis, or another part of the service, is away."
        return Problem(problems.UNAVAILABLE, detail, headers={hdrs.RETRY_AFTER: "1"})
    if isinstance(error, ProtocolError):
        return problems.of_protocol_error(error)
    if isinstance(error, web.HTTPException):
        return _of_http(error)
    incident = secrets.token_hex(8)
    issuer.metrics.refusal("admin_api", "server_error", "incident")
    log.error(Event.INCIDENT, exc_info=error, extra={"incident": incident, "path": _path(http)})
    return Problem(problems.INCIDENT, f"See the service's log; incident {incident}.", incident=incident)


async def _input(http: web.Request, route: OperationRoute) -> dict[str, Any]:
    """Return the input of the operation, not yet validated. Raises Problem, InvalidRequest."""
    given = await _body(http) if route.has_body else _query(http)
    if not route.has_body and http.body_exists and await body(http):
        raise Problem(problems.MALFORMED, f"{http.method} has no body here.")
    elsewhere = {name for name in (*route.path_members, IF_MATCH) if name in given}
    if elsewhere:
        raise Problem(problems.REFUSED, f"{min(elsewhere)}: is given in the path or in a header")
    _check_conditions(http, route)
    if route.is_conditional:
        given[IF_MATCH] = _if_match(http, route)
    return given | dict(http.match_info)


def _check_conditions(http: web.BaseRequest, route: OperationRoute) -> None:
    """Refuse conditions that are not evaluated here, as what they guard must not be done (RFC 9110 13.1). Raises Problem."""
    unknown = () if route.is_conditional else (hdrs.IF_MATCH,)
    for name in (*unknown, *(() if route.method == "GET" else (hdrs.IF_NONE_MATCH,))):
        if name in http.headers:
            raise Problem(problems.MALFORMED, f"{name}: is not supported by this operation; nothing was done.")


def _if_match(http: web.BaseRequest, route: OperationRoute) -> str | None:
    """Return If-Match, None where it is not sent. Raises Problem where it must be, to prevent lost updates."""
    found = http.headers.getall(hdrs.IF_MATCH, ())
    if not found and route.needs_match:
        raise Problem(
            problems.MATCH_NEEDED,
            "Send If-Match with the ETag that you were shown, or * to change it whatever it is now.",
        )
    return ",".join(found) if found else None


async def _body(http: web.BaseRequest) -> dict[str, Any]:
    """Return the JSON object in the body, an empty one without a body."""
    content = await body(http)
    if not content:
        return {}
    if http.content_type != JSON:
        raise Problem(problems.UNSUPPORTED, f"The body must be {JSON}.")
    try:
        given = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Problem(problems.MALFORMED, "The body is not JSON in UTF-8.") from error
    if not isinstance(given, dict):
        raise Problem(problems.MALFORMED, "The body must be a JSON object.")
    return given


def _query(http: web.BaseRequest) -> dict[str, Any]:
    query = http.rel_url.query
    if twice := sorted({name for name in query if len(query.getall(name)) > 1}):
        raise Problem(problems.REFUSED, f"{twice[0]}: given more than once")
    return dict(query)


def _of_http(error: web.HTTPException) -> Problem:
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Problem(problems.TOO_LARGE, "The body is too large (setting max_body).")
    return Problem(problems.OF_STATUS.get(error.status, problems.MALFORMED), error.reason)


async def _document(_: web.BaseRequest) -> web.StreamResponse:
    """Return the OpenAPI document. It has no secrets and is the same for every service, so it needs no authentication."""
    return web.Response(body=_written_document(), content_type=JSON, headers={"Cache-Control": "no-cache"})


@cache
def _written_document() -> bytes:
    """Return the document in bytes, made at the first request, as it would take most of the start of a service."""
    return orjson.dumps(document())


def _path(http: web.Request) -> str:
    """Return the path as in the table of routes, without values of the caller."""
    resource = http.match_info.route.resource
    return resource.canonical if resource else ""
