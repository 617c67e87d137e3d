"""Outcomes of acts, on their way to the page that shows them: in a cookie, as a link could bring any text in its query."""

from base64 import urlsafe_b64decode
from collections.abc import Mapping

import orjson
from aiohttp import web

from service.fronts.console import cookies
from service.fronts.peer import Peer
from service.protocol.credentials import base64url

_COOKIE = "mintmark_outcome"


def read(http: web.BaseRequest, peer: Peer) -> Mapping[str, str]:
    """Return the outcome of the act that led here; none where the cookie is missing or unreadable."""
    try:
        found = orjson.loads(urlsafe_b64decode(http.cookies.get(cookies.name(_COOKIE, peer), "") + "=="))
    except ValueError:
        return {}
    return {name: text for name, text in found.items() if isinstance(text, str)} if isinstance(found, dict) else {}


def keep(http: web.BaseRequest, peer: Peer, response: web.Response, outcome: Mapping[str, str]) -> None:
    """Send the outcome to the next page, and take back the one that was shown now."""
    if outcome or cookies.name(_COOKIE, peer) in http.cookies:
        value = base64url(orjson.dumps(dict(outcome))) if outcome else ""
        response.headers.add("Set-Cookie", cookies.written(_COOKIE, peer, value))
