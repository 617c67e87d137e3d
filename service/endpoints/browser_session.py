"""The cookies, marks and error pages that all pages share."""

import hmac

from service.issuer import Issuer
from service.login.repeated_forms import SentForm, sent_form
from service.protocol.browsing import Page, Visit
from service.protocol.credentials import Kind, base64url, new_secret
from service.protocol.errors import ProtocolError


def browser_of(issuer: Issuer, visit: Visit) -> str:
    """Return the cookie that interactions are bound to at this browser; a fresh one where it has none."""
    return visit.browser or new_secret(Kind.BROWSER_COOKIE, issuer.randomness)


def session_csrf(visit: Visit, path: str) -> str:
    """Return the mark in the forms of a signed-in user's own pages: only the session's browser has the cookie that makes it."""
    return base64url(hmac.digest(visit.session.encode(), path.encode(), "sha256"))


def carries_session_csrf(visit: Visit, path: str) -> bool:
    """Whether the form that was sent has the mark of this session."""
    return hmac.compare_digest(session_csrf(visit, path).encode(), visit.parameters.get("csrf", "").encode())


def way(kind: str, to: str, client: str = "") -> dict[str, str]:
    """Return a link for an error page. ``kind`` selects its text (``error_way_…``); ``to`` is its URL; ``client`` its name."""
    return {"kind": kind, "to": to, "client": client}


def stale(*ways: dict[str, str]) -> Page:
    """Return the page for a form that was sent already, too late, out of order, or not by us, with links."""
    return Page("error", {"kind": "stale", "error": "", "description": "", "ways": ways}, 400)


def other_browser() -> Page:
    """Return the page for an interaction of another browser."""
    return Page("error", {"kind": "browser", "error": "", "description": ""}, 400)


def failed(error: ProtocolError, *ways: dict[str, str]) -> Page:
    """Return the page for an error that only the user may see."""
    kind = "unavailable" if error.status == 503 else "request"
    values = {"kind": kind, "error": error.error, "description": error.description, "ways": ways}
    return Page("error", values | {"retry_after": error.headers.get("Retry-After", "")}, error.status)


def form_of(name: str, visit: Visit, *, of_session: bool) -> SentForm:
    """Return the form that was sent. ``of_session``: the form of another session is another form."""
    return sent_form(name, visit, visit.browser + (visit.session if of_session else ""))
