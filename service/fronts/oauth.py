"""The OAuth front: endpoints that clients call, and the documents that describe the service, over HTTP."""

import logging
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import NamedTuple

import orjson
from aiohttp import hdrs, web

from service.client_auth import note_claimed_client
from service.endpoints import ENDPOINTS, discovery
from service.endpoints.endpoint import Content, DocumentEndpoint, MachineEndpoint
from service.endpoints.metadata import OPENID_PATH, PATH
from service.fronts.client_certificate import certificate_of
from service.fronts.methods import Handler, by_method
from service.fronts.pages import languages
from service.fronts.peer import Peer, peer_of
from service.fronts.ready import STATUSES, Ready
from service.fronts.receiving import body, check_transport, form_now, note_sender, posted_form, query_form
from service.issuer import Issuer
from service.observe.current import note_address
from service.observe.events import Event
from service.protocol.decision import JSON, NO_STORE, SERVER, Action, Decision, refuse
from service.protocol.errors import InvalidRequest, ProtocolError, ServerError
from service.protocol.request import Form, Request
from service.settings import Settings
from service.tokens.binding import KEY_PROOFS, answered_with

log = logging.getLogger(__name__)

WEBMETHODS_PATH = "/invoke/pub.oauth/getAccessToken"
"""The path of webMethods' token endpoint (WM-22), which ignores a client_id besides HTTP authentication (WM-08)."""
_HEADER_NAMES = re.compile(r"[A-Za-z0-9-]+( *, *[A-Za-z0-9-]+){0,40}", re.ASCII)
"""The syntax of Access-Control-Request-Headers that is accepted."""
_CORS_SECONDS = 3600
"""Seconds for which a browser may cache the response to a preflight."""


def handlers(issuer: Issuer) -> dict[str, Handler]:
    """Return the handler of every path. Where the issuer has a path, both with and without it, as proxies may remove it."""
    table: dict[str, Handler] = {}
    prefixes = issuer.settings.path_prefixes
    for endpoint in ENDPOINTS.values():
        if not endpoint.is_on(issuer):
            continue
        for path in endpoint.paths(issuer.settings):
            if isinstance(endpoint, MachineEndpoint):
                table |= {prefix + path: _endpoint(issuer, path, endpoint) for prefix in prefixes}
            elif isinstance(endpoint, DocumentEndpoint):
                table |= dict.fromkeys((prefix + path for prefix in prefixes), _document(issuer, endpoint.handle))
    return table | dict.fromkeys(discovery_paths(issuer.settings), _discovery(issuer))


def discovery_paths(settings: Settings) -> tuple[str, ...]:
    """Return the paths of the metadata.

    The well-known part is before the issuer's path in RFC 8414 section 3.1, and after it in OpenID Connect Discovery 4.
    """
    below = settings.path_prefixes[-1]
    return (PATH, PATH + below, OPENID_PATH, OPENID_PATH + below, below + OPENID_PATH)


def _endpoint(issuer: Issuer, path: str, endpoint: MachineEndpoint) -> Handler:
    name, methods, decide, kind = endpoint.name, endpoint.methods(issuer.settings), endpoint.handle, endpoint.content
    is_form = kind is Content.FORM
    urls, ignore_client_id = (issuer.url_of(path), issuer.mtls_url_of(path)), path == WEBMETHODS_PATH
    shared = _Sharing.by(issuer, (*methods, "OPTIONS"))
    adds_headers, has_part = endpoint.takes_key_proofs and bool(answered_with(issuer)), path.endswith("/*")

    async def handle(http: web.BaseRequest) -> web.StreamResponse:
        request: Request | None = None
        try:
            peer = _admitted(http, issuer.settings)
            form = form_now(http) if is_form and http.method == "POST" else None
            content = b""
            if form is None:
                form, content = await _received(http, kind)
            here = _with_part(urls, http) if has_part else urls
            request = _request(http, issuer, peer, form, content, here, ignore_client_id=ignore_client_id)
            decision = await decide(issuer, request)
        except ProtocolError as error:
            decision = await _refused(issuer, endpoint, path, error, http, request)
        except web.HTTPRequestEntityTooLarge:
            too_large = InvalidRequest("The body is too large.", status=413)
            decision = await _refused(issuer, endpoint, path, too_large, http)
        except Exception as error:  # noqa: BLE001 (not foreseen: an incident)
            issuer.metrics.refusal(name, "server_error", "incident")
            decision = _incident(path, error)
        if not adds_headers and _is_plain(http, decision):
            return Ready(decision.content, decision.status)
        response = _response(decision)
        if adds_headers:
            response.headers.update(answered_with(issuer))
        return shared.with_headers(http, response)

    async def refused(http: web.BaseRequest, error: ProtocolError) -> web.StreamResponse:
        return shared.with_headers(http, _response(await _refused(issuer, endpoint, path, error, http)))

    return by_method(methods, handle, refused, shared.preflight, head=endpoint.head)


class _Sharing(NamedTuple):
    """CORS (Fetch 3.2): no endpoint here uses cookies, so a page can do no more than any other program."""

    origins: tuple[str, ...]
    methods: str
    request_headers: str
    response_headers: str

    @classmethod
    def by(cls, issuer: Issuer, methods: Iterable[str]) -> "_Sharing":
        """Return the rules for these methods, with the headers of proofs of possession."""
        proofs = KEY_PROOFS.values()
        sent = ("Authorization", "Content-Type", *(name for proof in proofs for name in proof.request_headers))
        read = ("WWW-Authenticate", "Retry-After", *(name for proof in proofs for name in proof.response_headers))
        return cls(issuer.settings.cors_origins, ", ".join(methods), ", ".join(sent), ", ".join(read))

    def headers(self, http: web.BaseRequest) -> Mapping[str, str]:
        """Return the headers of a response to a page."""
        if "*" in self.origins:
            return {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Expose-Headers": self.response_headers,
            }
        origin = http.headers[hdrs.ORIGIN]
        return {"Vary": "Origin", **({"Access-Control-Allow-Origin": origin} if origin in self.origins else {})}

    def with_headers(self, http: web.BaseRequest, response: web.Response) -> web.Response:
        """Return the response, with CORS headers where a page sent the request."""
        if hdrs.ORIGIN in http.headers:
            response.headers.update(self.headers(http))
        return response

    def preflight(self, http: web.BaseRequest) -> Mapping[str, str]:
        """Return the headers that answer a preflight.

        Any request header is allowed, as it can do no harm in a request without cookies.
        """
        requested = http.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "")
        return {
            **SERVER,
            **self.headers(http),
            "Access-Control-Allow-Methods": self.methods,
            "Access-Control-Allow-Headers": requested if _HEADER_NAMES.fullmatch(requested) else self.request_headers,
            "Access-Control-Max-Age": str(_CORS_SECONDS),
        }


async def _refused(
    issuer: Issuer,
    endpoint: MachineEndpoint,
    path: str,
    error: ProtocolError,
    http: web.BaseRequest,
    request: Request | None = None,
) -> Decision:
    """Record and return a refusal; ``request`` is None where it could not be read."""
    if request is None:
        await note_sender(issuer, http, error)
    else:
        await note_claimed_client(issuer, request, error)
    issuer.refusals.record(endpoint.name, error, path)
    if endpoint.challenged is not None:
        error = endpoint.challenged(issuer, http.headers.get(hdrs.AUTHORIZATION, ""), error)
    return refuse(error, by_header=hdrs.AUTHORIZATION in http.headers)


def _discovery(issuer: Issuer) -> Handler:
    headers = {"Content-Type": JSON, "Cache-Control": "public, max-age=300", **SERVER}

    @lru_cache(maxsize=1)
    def made(_resources: int) -> Decision:
        members = discovery(issuer) | {"ui_locales_supported": languages(issuer.settings)}
        return Decision(Action.OK, 200, orjson.dumps(members), headers)

    return _document(issuer, lambda *_: made(issuer.store.resources.version))


def _document(issuer: Issuer, decide: Callable[[Issuer, str], Decision]) -> Handler:
    """Return the handler of a public document."""
    shared = _Sharing.by(issuer, ("GET", "HEAD", "OPTIONS"))

    async def handle(http: web.BaseRequest) -> web.StreamResponse:
        return shared.with_headers(http, _response(decide(issuer, http.headers.get(hdrs.IF_NONE_MATCH, ""))))

    async def refused(http: web.BaseRequest, error: ProtocolError) -> web.StreamResponse:
        return shared.with_headers(http, rendered(error))

    return by_method(("GET",), handle, refused, shared.preflight)


async def not_found(_: web.BaseRequest) -> web.StreamResponse:
    """Answer an unknown path."""
    return rendered(InvalidRequest("There is nothing here; see /.well-known/oauth-authorization-server.", status=404))


def rendered(error: ProtocolError) -> web.Response:
    """Return a refusal as JSON (RFC 6749 section 5.2)."""
    return _response(refuse(error))


async def refused_as_json(_: web.BaseRequest, error: ProtocolError) -> web.StreamResponse:
    """Return a refusal as JSON, for ``by_method``."""
    return rendered(error)


def _admitted(http: web.BaseRequest, settings: Settings) -> Peer:
    """Return the peer of a request, after checking the transport. Raises InvalidRequest."""
    peer = peer_of(http, settings)
    note_address(peer.address)
    check_transport(peer, settings)
    return peer


async def _received(http: web.BaseRequest, kind: Content) -> tuple[Form, bytes]:
    """Return the parameters and the body. Raises InvalidRequest, HTTPRequestEntityTooLarge."""
    if kind is Content.BYTES:
        return query_form(http), await body(http) if http.method in ("POST", "PUT") else b""
    if http.method != "POST":
        return query_form(http), b""
    if kind is Content.OPTIONAL_FORM and not http.body_exists:
        return Form(), b""
    return await posted_form(http), b""


def _with_part(urls: tuple[str, str], http: web.BaseRequest) -> tuple[str, str]:
    """Return the URLs of a path that ends with ``/*``, completed by the last part of the request's path."""
    part = http.path.rpartition("/")[2]
    return urls[0][:-1] + part, urls[1] and urls[1][:-1] + part


def _request(
    http: web.BaseRequest,
    issuer: Issuer,
    peer: Peer,
    form: Form,
    content: bytes,
    urls: tuple[str, str],
    *,
    ignore_client_id: bool,
) -> Request:
    """Return the request for an endpoint. Raises InvalidRequest.

    ``urls`` has the URL of the endpoint and its mTLS alias (RFC 8705 section 5).
    """
    authorization = http.headers.getall(hdrs.AUTHORIZATION, ())
    if len(authorization) > 1:
        raise InvalidRequest("More than one Authorization header.")
    return Request(
        form.parameters,
        authorization[0] if authorization else None,
        peer.address,
        form.resources,
        ignore_client_id=ignore_client_id,
        method="GET" if http.method == "HEAD" else http.method,
        url=urls[0],
        mtls_url=urls[1],
        headers=http.headers,
        certificate=certificate_of(http, issuer.settings),
        content=content,
        is_listening=partial(_is_listening, http),
        audiences=form.audiences,
    )


def _is_listening(http: web.BaseRequest) -> bool:
    """Whether the connection of the request is still open."""
    transport = http.transport
    return transport is not None and not transport.is_closing()


def _is_plain(http: web.BaseRequest, decision: Decision) -> bool:
    """Whether the response can be sent as ``Ready``: it has the usual headers, and needs none for another origin."""
    is_usual = decision.headers is NO_STORE and decision.status in STATUSES
    return is_usual and http.method != "HEAD" and hdrs.ORIGIN not in http.headers


def _response(decision: Decision) -> web.Response:
    return web.Response(body=decision.content, status=decision.status, headers=decision.headers)


def _incident(path: str, error: Exception) -> Decision:
    """Answer an unforeseen exception with an id for the caller; everything else goes to the log (IT-23)."""
    incident = secrets.token_hex(8)
    log.error(Event.INCIDENT, exc_info=error, extra={"incident": incident, "path": path})
    return refuse(ServerError(f"Something went wrong; incident {incident}."), incident=incident)
