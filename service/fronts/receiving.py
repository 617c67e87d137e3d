"""The checks of every front before it reads a request: the transport, the body, the form in it."""

import asyncio
from contextlib import suppress

from aiohttp import hdrs, web

from service.client_auth import note_claimed_client, unread_request
from service.fronts.methods import waits_for_leave
from service.fronts.peer import Peer, peer_of
from service.fronts.request import PublicRequest
from service.issuer import Issuer
from service.observe.current import note_address
from service.protocol.errors import InvalidRequest, ProtocolError
from service.protocol.request import MAX_PARAMETERS, Form, parse_form
from service.settings import Settings

FORM = "application/x-www-form-urlencoded"
BODY_SECONDS = 20
"""Seconds within which the body of a request has to arrive."""


def check_transport(peer: Peer, settings: Settings) -> None:
    """Require HTTPS, unless the issuer is a loopback URL or the settings allow HTTP (IT-13, WM-23). Raises InvalidRequest."""
    if peer.secure or not settings.require_https or settings.issuer_is_loopback:
        return
    raise InvalidRequest("HTTPS is required.", log="plain HTTP; is the proxy in front missing in trusted_proxies?")


async def posted_form(http: web.BaseRequest, most: int = MAX_PARAMETERS) -> Form:
    """Return the form in the body, with ``most`` parameters at most. Raises InvalidRequest, HTTPRequestEntityTooLarge."""
    form = form_now(http, most)
    return parse_form(await body(http), most) if form is None else form


def form_now(http: web.BaseRequest, most: int = MAX_PARAMETERS) -> Form | None:
    """Return the form in the body, None where the body is incomplete yet. Raises InvalidRequest."""
    if not _is_form(http.headers.get(hdrs.CONTENT_TYPE, "")):
        raise InvalidRequest(f"The body must be {FORM} in UTF-8.", status=415)
    content = _body_now(http)
    return None if content is None else parse_form(content, most)


def query_form(http: web.BaseRequest) -> Form:
    """Return the form in the query. Raises InvalidRequest."""
    return parse_form(http.rel_url.raw_query_string.encode())


async def note_sender(issuer: Issuer, http: web.BaseRequest, error: ProtocolError) -> None:
    """Note the address and the claimed client of a request that was refused before it was read, for the log.

    A body that is incomplete is not waited for.
    """
    note_address(peer_of(http, issuer.settings).address)
    form = http.rel_url.raw_query_string.encode("utf-8", "replace")
    if http.method == "POST" and http.content.is_eof() and hdrs.CONTENT_ENCODING not in http.headers:
        with suppress(web.HTTPException, web.RequestPayloadError, ConnectionError):
            form = await http.read()
    await note_claimed_client(issuer, unread_request(form, http.headers.get(hdrs.AUTHORIZATION)), error)


async def body(http: web.BaseRequest) -> bytes:
    """Return the body. Raises InvalidRequest where it is compressed or incomplete, HTTPRequestEntityTooLarge."""
    content = _body_now(http)
    if content is not None:
        return content
    try:
        if http.content.is_eof():  # it arrived with the head, but is too long or broken
            return await http.read()
        if waits_for_leave(http):
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


def _body_now(http: web.BaseRequest) -> bytes | None:
    """Return a body that arrived with the head, as most do; else None. Raises InvalidRequest where it is compressed."""
    if hdrs.CONTENT_ENCODING in http.headers:  # unpacking 200 KB can take half a second
        raise InvalidRequest("The body must not be compressed.", status=415, headers={"Accept-Encoding": "identity"})
    return http.read_now() if isinstance(http, PublicRequest) else None


def _is_form(content_type: str) -> bool:
    if content_type == FORM:
        return True
    kind, _, parameters = content_type.partition(";")
    if kind.strip().lower() != FORM:
        return False
    name, _, value = parameters.strip().partition("=")
    return name.lower() != "charset" or value.strip('" ').lower() in ("utf-8", "utf8")
