"""The decision API over HTTP: every call passes here, so that no step can be forgotten."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
from aiohttp import hdrs, web

from service.admin.actor import Actor, acting
from service.admin.errors import AdminError, Contended, NotFound
from service.fronts import methods
from service.fronts.decision_api.body import DpopBody
from service.fronts.decision_api.call import Call, CallError, CallResult, Route
from service.fronts.decision_api.caller import caller_of
from service.fronts.decision_api.client_request import ClientRequestBody, note_claim
from service.fronts.decision_api.not_offered import not_offered
from service.fronts.decision_api.presented_proofs import answered, with_nonces
from service.fronts.decision_api.result_codes import ResultCode, of_error
from service.fronts.decision_api.tickets import TicketError
from service.fronts.peer import Peer, peer_of
from service.fronts.receiving import FORM, body, check_transport, query_form
from service.issuer import Issuer
from service.observe.current import note_address
from service.observe.events import Event
from service.protocol.addresses import address_of, is_loopback
from service.protocol.decision import NO_STORE
from service.protocol.errors import InvalidRequest, ProtocolError
from service.protocol.request import parse_form
from service.records.audit_entry import Way
from service.settings import Settings

log = logging.getLogger(__name__)

PREFIXES = ("/api", "/api/{service_id}")
"""Authlete 2 has the first, Authlete 3 the second, with the API key as the id of the service."""

_ANYTHING, _NOT_OFFERED = "/api/{anything:.*}", "not_offered"


def routes(issuer: Issuer, table: Sequence[Route]) -> list[web.RouteDef]:
    """Return the routes of every call at both prefixes; calls with the same path differ in their methods."""
    paths: dict[str, dict[str, Route]] = {}
    for route in table:
        paths.setdefault(route.path, {}).update(dict.fromkeys(route.methods, route))
    offered = [
        methods.route(prefix + path, _by_method(issuer, path, by_method))
        for prefix in PREFIXES
        for path, by_method in paths.items()
    ]
    return [*offered, *(methods.route(path, _handler(issuer, _NOT_OFFERED, None)) for path in ("/api", _ANYTHING))]


def routes_while_off() -> list[web.RouteDef]:
    """Return the routes without API keys, which answer that the API is off."""
    off = "The decision API is off: decision_api_keys has no entry."

    async def handle(_: web.BaseRequest) -> web.StreamResponse:
        return _response(CallResult(ResultCode.NOT_OFFERED, detail=off, status=404))

    return [methods.route(path, handle) for path in ("/api", _ANYTHING)]


def _by_method(issuer: Issuer, path: str, by_method: Mapping[str, Route]) -> methods.Handler:
    head = all(route.head for route in by_method.values())
    return methods.by_method(by_method, _handler(issuer, path, by_method), _not_served, head=head)


def _handler(
    issuer: Issuer, path: str, by_method: Mapping[str, Route] | None
) -> Callable[[Any], Awaitable[web.StreamResponse]]:
    """Return the handler of a path; ``by_method`` is None for a path without a call."""

    async def handle(http: web.Request) -> web.StreamResponse:
        api_key = ""
        try:
            call = await _called(issuer, http)
            api_key = call.api_key
            answer = await _answered(call, http, by_method) if by_method is not None else _nothing_there(call, http)
        except CallError as error:
            answer = error.answer
        except ProtocolError as error:
            answer = _refused(error)
        except web.HTTPRequestEntityTooLarge:
            answer = CallResult(ResultCode.TOO_LARGE, status=413)
        except Exception as error:  # noqa: BLE001 (not foreseen: an incident)
            answer = _incident(path, error)
        if isinstance(answer, bytes):
            return web.Response(body=answer, headers=NO_STORE)
        _summarize(issuer, path, api_key, answer)
        return _response(answer)

    return handle


async def _called(issuer: Issuer, http: web.Request) -> Call:
    """Return the call, with its caller authenticated. Raises CallError, InvalidRequest, TemporarilyUnavailable."""
    peer = peer_of(http, issuer.settings)
    note_address(peer.address)
    _check_transport(peer, issuer.settings)
    _check_no_page(http)
    variable = dict(http.match_info)
    authorization = http.headers.getall(hdrs.AUTHORIZATION, ())
    shown = authorization[0] if len(authorization) == 1 else ""
    service_id = variable.pop("service_id", "")
    if (anything := variable.pop("anything", "")) and anything.partition("/")[0] in issuer.settings.decision_api_keys:
        service_id = anything.partition("/")[0]
    api_key = await caller_of(issuer, shown, service_id, peer.address)
    return Call(issuer, api_key, variable, peer.address)


async def _answered(call: Call, http: web.Request, by_method: Mapping[str, Route]) -> CallResult | bytes:
    method = "GET" if http.method == "HEAD" else http.method
    route, members = by_method[method], await _members(http, method)
    with acting(Actor(call.api_key, Way.DECISION_API, call.address)):
        given = route.body.read(members)
        if isinstance(given, DpopBody):
            call = with_nonces(call, given)
        try:
            answer = await route.answer(call, given)
        except TicketError:
            answer = route.bad_ticket
        except Contended as error:
            answer = CallResult(ResultCode.UNAVAILABLE, detail=str(error), status=503)
        except AdminError as error:
            missing = isinstance(error, NotFound)
            result = ResultCode.NOT_FOUND if missing else ResultCode.REFUSED
            answer = CallResult(result, detail=route.body.renamed(str(error)), status=404 if missing else 400)
        except ProtocolError as error:
            if route.refused is None:
                raise
            answer = route.refused(error)
    if isinstance(answer, CallResult) and isinstance(given, DpopBody):
        answer = answered(call, answer)
    if isinstance(answer, CallResult) and "reason" in answer.facts and isinstance(given, ClientRequestBody):
        await note_claim(call, given)
    return answer


def _nothing_there(call: Call, http: web.Request) -> CallResult:
    """Return the answer for a path without a call, with a message for the developer of the caller."""
    below = http.match_info.get("anything", "").strip("/")
    first, _, rest = below.partition("/")
    is_service = first == call.api_key or (first.isascii() and first.isdigit())
    return not_offered(http.method, http.path, rest if is_service else below)


def _check_no_page(http: web.Request) -> None:
    """Refuse requests of other sites' pages (Fetch Metadata 2.1). Raises CallError.

    A browser may have stored a secret, and would send it with a plain GET or form.
    """
    if http.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise CallError(ResultCode.FROM_A_PAGE, status=403)


def _check_transport(peer: Peer, settings: Settings) -> None:
    """Require HTTPS except on this machine, as API secrets must not travel in clear. Raises InvalidRequest."""
    if address_of(peer.address) is not None and not is_loopback(peer.address):  # a unix socket has no address
        check_transport(peer, settings)


async def _members(http: web.Request, method: str) -> Mapping[str, Any]:
    """Return the members of the call, from a JSON object, a form or the query. Raises CallError, InvalidRequest."""
    if method in ("GET", "DELETE"):
        return query_form(http).parameters
    content, kind = await body(http), http.content_type.lower()
    if not content.strip():
        return {}
    if kind == FORM:
        return parse_form(content).parameters
    if kind != "application/json":
        raise CallError(ResultCode.MALFORMED, f"Send application/json or {FORM}.", status=415)
    try:
        members = orjson.loads(content)
    except orjson.JSONDecodeError:
        members = None
    if not isinstance(members, dict):
        raise CallError(ResultCode.MALFORMED, "The body is not a JSON object in UTF-8.")
    return members


async def _not_served(_: web.BaseRequest, error: ProtocolError) -> web.StreamResponse:
    """Answer a method that the path does not have, or an expectation that cannot be met."""
    result = ResultCode.NOT_ALLOWED if error.status == 405 else ResultCode.MALFORMED
    return _response(CallResult(result, detail=error.description, status=error.status, headers=error.headers))


def _detail(answer: CallResult) -> str:
    """Return the reason of a refusal; with /fail it is the caller's."""
    by_caller = answer.result in (ResultCode.TOKEN_FAILED, ResultCode.AUTHORIZATION_FAILED)
    return f"the caller says {answer.facts['reason']}" if by_caller else str(answer.facts["reason"])


def _refused(error: ProtocolError) -> CallResult:
    """Return the answer where no endpoint decides: for the transport, the body, or an unavailable Redis (P7)."""
    facts = {"error": error.error, "reason": error.log or error.description}
    if error.status == 503:
        return CallResult(ResultCode.UNAVAILABLE, status=503, headers=error.headers, facts=facts)
    result = ResultCode.MALFORMED if isinstance(error, InvalidRequest) else of_error(error.error)
    return CallResult(result, detail=error.description, status=error.status, headers=error.headers, facts=facts)


def _incident(path: str, error: Exception) -> CallResult:
    """Answer an unforeseen exception with an id for the caller; everything else goes to the log (IT-23)."""
    incident = secrets.token_hex(8)
    log.error(Event.INCIDENT, exc_info=error, extra={"incident": incident, "path": path})
    content = orjson.dumps({"error": "server_error", "error_description": f"incident {incident}"}).decode()
    return CallResult(
        ResultCode.INCIDENT, {"responseContent": content}, "INTERNAL_SERVER_ERROR", f"Incident {incident}.", status=500
    )


def _summarize(issuer: Issuer, path: str, api_key: str, answer: CallResult) -> None:
    """Log a call in one line, with its caller and result, without secrets (AU-35)."""
    issuer.metrics.request("decision_api", answer.result.name.lower())
    if "reason" in answer.facts:
        issuer.refusals.keep("decision_api", str(answer.facts["error"]), _detail(answer))
    facts = {"call": path, "result_code": answer.result.code, "action": answer.action, "status": answer.status}
    known = {"api_key": api_key, **answer.facts}
    facts |= {name: value for name, value in known.items() if value not in (None, "")}
    log.info(Event.DECISION_API_CALL, extra=facts)


def _response(answer: CallResult) -> web.Response:
    return web.Response(body=answer.content(), status=answer.status, headers={**NO_STORE, **answer.headers})
