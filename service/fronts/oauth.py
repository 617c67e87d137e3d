"""The OAuth front: token, introspection and revocation endpoints and the metadata document over HTTP."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import orjson
from aiohttp import hdrs, web

from service.endpoints import ENDPOINTS
from service.endpoints.metadata import INTROSPECT_PATH, PATH, REVOKE_PATH, metadata
from service.fronts.peer import Peer, peer_of
from service.issuer import Issuer
from service.protocol.decision import JSON, SERVER, Decision, refuse
from service.protocol.errors import InvalidRequest, ProtocolError, ServerError
from service.protocol.request import Request, parse_form
from service.settings import Settings

log = logging.getLogger(__name__)

FORM = "application/x-www-form-urlencoded"
BODY_SECONDS = 20
"""How long the body of a request may take to come."""
WEBMETHODS_PATH = "/invoke/pub.oauth/getAccessToken"
"""Where webMethods has its token endpoint (WM-22); there a client_id beside HTTP authentication is ignored (WM-08)."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Decide = Callable[[Issuer, Request], Awaitable[Decision]]


def handlers(issuer: Issuer) -> dict[str, Handler]:
    """Every path of this front. Where the issuer has a path, both with and without it: proxies may cut it off."""
    settings = issuer.settings
    below = urlsplit(settings.issuer).path.rstrip("/")
    names = {**dict.fromkeys(settings.token_paths, "token"), INTROSPECT_PATH: "introspect", REVOKE_PATH: "revoke"}
    table = {prefix + path: _endpoint(issuer, path, name) for prefix in ("", below) for path, name in names.items()}
    # RFC 8414 section 3.1: the well-known part stands before the issuer's path.
    return {**table, **dict.fromkeys((PATH, PATH + below), _metadata(settings))}


def _endpoint(issuer: Issuer, path: str, name: str) -> Handler:
    decide: Decide = ENDPOINTS[name]
    get_allowed = not issuer.settings.token_require_post and path in issuer.settings.token_paths

    async def handle(http: web.BaseRequest) -> web.StreamResponse:
        try:
            request = await _read(http, issuer.settings, path, get_allowed=get_allowed)
            return _response(await decide(issuer, request))
        except ProtocolError as error:
            return _refused(issuer, name, path, error)
        except web.HTTPRequestEntityTooLarge:
            return _refused(issuer, name, path, InvalidRequest("The body is too large.", status=413))
        except Exception:
            issuer.metrics.refusal(name, "server_error")
            return _incident(path)

    return handle


def _refused(issuer: Issuer, name: str, path: str, error: ProtocolError) -> web.Response:
    issuer.metrics.refusal(name, error.error)
    if log.isEnabledFor(logging.INFO):
        reason = error.log or error.description
        log.info("refused", extra={"path": path, "error": error.error, "status": error.status, "reason": reason})
    return _response(refuse(error))


def _metadata(settings: Settings) -> Handler:
    body = orjson.dumps(metadata(settings))

    async def handle(http: web.BaseRequest) -> web.StreamResponse:
        if http.method not in ("GET", "HEAD"):
            return _response(refuse(_not_allowed("GET, HEAD")))
        return web.Response(body=body, content_type=JSON, headers={"Cache-Control": "public, max-age=300", **SERVER})

    return handle


async def not_found(http: web.BaseRequest) -> web.StreamResponse:
    """For every other path."""
    return _response(
        refuse(InvalidRequest("There is nothing here; see /.well-known/oauth-authorization-server.", status=404))
    )


async def _read(http: web.BaseRequest, settings: Settings, path: str, *, get_allowed: bool) -> Request:
    """The request, if it came the right way: method, transport, content type. Raises InvalidRequest."""
    peer = peer_of(http, settings)
    _check_transport(peer, settings)
    if http.method == "POST":
        if not _is_form(http.headers.get(hdrs.CONTENT_TYPE, "")):
            raise InvalidRequest(f"The body must be {FORM} in UTF-8.", status=415)
        if hdrs.CONTENT_ENCODING in http.headers:  # 200 KB of it would keep us unpacking for half a second
            raise InvalidRequest(
                "The body must not be compressed.", status=415, headers={"Accept-Encoding": "identity"}
            )
        form = parse_form(await _body(http))
    elif http.method == "GET" and get_allowed:
        form = parse_form(http.rel_url.raw_query_string.encode())
    else:
        raise _not_allowed("POST, GET" if get_allowed else "POST")
    authorization = http.headers.getall(hdrs.AUTHORIZATION, ())
    if len(authorization) > 1:
        raise InvalidRequest("More than one Authorization header.")
    return Request(
        form.parameters,
        authorization[0] if authorization else None,
        peer.address,
        form.resources,
        ignore_client_id=path == WEBMETHODS_PATH,
    )


async def _body(http: web.BaseRequest) -> bytes:
    """The bytes of the body. Raises InvalidRequest where its Content-Encoding is a lie, HTTPRequestEntityTooLarge."""
    try:
        if http.content.is_eof():  # it came with the head, as most do
            return await http.read()
        if (
            http.headers.get(hdrs.EXPECT, "").lower() == "100-continue"
        ):  # the client waits for our word (RFC 9110 10.1.1)
            await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            http.writer.output_size = 0
        async with asyncio.timeout(BODY_SECONDS):
            return await http.read()
    except web.RequestPayloadError as error:
        raise InvalidRequest("The body cannot be decoded.", log=f"malformed body: {error}") from error
    except ConnectionError as error:
        raise InvalidRequest("The body did not come whole.", log="the client closed the connection") from error
    except TimeoutError as error:
        raise InvalidRequest(f"The body did not come within {BODY_SECONDS} seconds.", status=408) from error


def _check_transport(peer: Peer, settings: Settings) -> None:
    """HTTPS, unless the issuer is a loopback http URL or the setting says otherwise (IT-13, WM-23)."""
    if peer.secure or not settings.require_https or settings.issuer_is_loopback:
        return
    raise InvalidRequest("HTTPS is required.", log="plain HTTP; is the proxy in front missing in trusted_proxies?")


def _is_form(content_type: str) -> bool:
    if content_type == FORM:
        return True
    kind, _, parameters = content_type.partition(";")
    if kind.strip().lower() != FORM:
        return False
    name, _, value = parameters.strip().partition("=")
    return name.lower() != "charset" or value.strip('" ').lower() in ("utf-8", "utf8")


def _not_allowed(methods: str) -> InvalidRequest:
    return InvalidRequest(f"Use {methods.replace(', ', ' or ')}.", status=405, headers={"Allow": methods})


def _response(decision: Decision) -> web.Response:
    return web.Response(body=decision.content, status=decision.status, headers=decision.headers)


def _incident(path: str) -> web.Response:
    """An exception nobody foresaw: an id for the caller, everything else for the log (IT-23)."""
    incident = secrets.token_hex(8)
    log.exception("incident", extra={"incident": incident, "path": path})
    return _response(refuse(ServerError(f"Something went wrong; incident {incident}."), incident=incident))
