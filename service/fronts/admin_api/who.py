"""Authentication of operators: by a bearer token of the settings, or a client certificate of the operators' own authority.

Failed attempts are delayed.
"""

import logging

from aiohttp import hdrs, web

from service.admin.actor import Actor
from service.fronts.admin_api.problems import FORBIDDEN, TOO_MANY, UNAUTHORIZED, Problem
from service.fronts.operator_token import count_failure, is_private, operator_of
from service.fronts.peer import Peer, peer_of
from service.issuer import Issuer
from service.observe.events import Event
from service.records.audit_entry import Way

log = logging.getLogger(__name__)

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="mintmark operators"'}


def check_transport(issuer: Issuer, peer: Peer) -> None:
    """Refuse plain HTTP, except from this machine, or where the settings say that TLS ends elsewhere.

    Raises Problem.
    """
    if is_private(peer, issuer.settings):
        return
    raise Problem(
        FORBIDDEN,
        "HTTPS is required from another machine (settings admin_certificate_file, trusted_proxies); a token that was sent "
        "this way is no secret any more: replace it.",
    )


def check_same_site(http: web.BaseRequest) -> None:
    """Refuse requests of other sites' pages, as browsers send a client certificate by themselves. Raises Problem."""
    if http.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise Problem(FORBIDDEN, "The admin API is not for pages of other sites.")
    origin = http.headers.get(hdrs.ORIGIN)
    if origin is not None and origin.partition("://")[2] != http.headers.get(hdrs.HOST):
        raise Problem(FORBIDDEN, "The admin API is not for pages of other sites.")


async def operator(issuer: Issuer, http: web.BaseRequest) -> Actor:
    """Return the operator. Raises Problem, TemporarilyUnavailable."""
    peer = peer_of(http, issuer.settings)
    check_transport(issuer, peer)
    check_same_site(http)
    if hdrs.AUTHORIZATION in http.headers:
        name = _by_token(issuer, http)
        if name is None:
            await _failed(issuer, peer.address)
    else:
        name = _by_certificate(http)
    if name is None:
        raise Problem(
            UNAUTHORIZED, "Send Authorization: Bearer with a token of the setting admin_tokens.", headers=CHALLENGE
        )
    return Actor(name, Way.ADMIN_API, peer.address)


def _by_token(issuer: Issuer, http: web.BaseRequest) -> str | None:
    """Return the name of the token; all tokens are compared. None for a wrong one."""
    headers = http.headers.getall(hdrs.AUTHORIZATION)
    scheme, _, presented = headers[0].partition(" ")
    if len(headers) != 1 or scheme.lower() != "bearer":
        return None
    return operator_of(issuer.settings, presented.strip())


def _by_certificate(http: web.BaseRequest) -> str | None:
    """Return the common name of a client certificate that TLS has verified."""
    certificate = http.get_extra_info("peercert") or {}
    for part in certificate.get("subject", ()):
        for kind, value in part:
            if kind == "commonName" and value:
                return str(value)
    return None


async def _failed(issuer: Issuer, address: str) -> None:
    """Count a failed attempt. Raises Problem where there were too many."""
    wait = await count_failure(issuer, address)
    issuer.metrics.refusal("admin_api", "unauthorized", "unauthorized")
    log.warning(Event.OPERATOR_REFUSED, extra={"address": address, "seconds": wait})
    if wait:
        raise Problem(TOO_MANY, f"Try again in {wait} seconds.", headers={**CHALLENGE, hdrs.RETRY_AFTER: str(wait)})
