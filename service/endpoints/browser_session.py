"""What the pages share: who is at this browser, and pages that cannot go on."""

import hmac

from service.issuer import Issuer
from service.login.repeated_forms import SentForm, sent_form
from service.protocol.browsing import Page, Visit
from service.protocol.credentials import Kind, base64url, new_secret
from service.protocol.errors import ProtocolError


def browser_of(issuer: Issuer, visit: Visit) -> str:
    """The cookie that ties interactions to this browser; a fresh one where it has none."""
    return visit.browser or new_secret(Kind.BROWSER_COOKIE, issuer.randomness)


def session_csrf(visit: Visit, path: str) -> str:
    """What the form of one of a signed-in user's own pages carries: only who holds the session's cookie can make it."""
    return base64url(hmac.digest(visit.session.encode(), path.encode(), "sha256"))


def carries_session_csrf(visit: Visit, path: str) -> bool:
    """Whether the form that was sent is the one that this session was shown."""
    return hmac.compare_digest(session_csrf(visit, path).encode(), visit.parameters.get("csrf", "").encode())


def way(kind: str, to: str, client: str = "") -> dict[str, str]:
    """A link on a page that cannot go on. ``kind``: of its text (``error_way_…``); ``to``: its URL; ``client``: its name."""
    return {"kind": kind, "to": to, "client": client}


def stale(*ways: dict[str, str]) -> Page:
    """The form was sent already, too late, out of order, or not by us; ``ways``: where to go from here."""
    return Page("error", {"kind": "stale", "error": "", "description": "", "ways": ways}, 400)


def other_browser() -> Page:
    """The cookie that the interaction is tied to is not there."""
    return Page("error", {"kind": "browser", "error": "", "description": ""}, 400)


def failed(error: ProtocolError, *ways: dict[str, str]) -> Page:
    """An error that only the user in front of the browser may see."""
    kind = "unavailable" if error.status == 503 else "request"
    values = {"kind": kind, "error": error.error, "description": error.description, "ways": ways}
    return Page("error", values | {"retry_after": error.headers.get("Retry-After", "")}, error.status)


def form_of(name: str, visit: Visit, *, of_session: bool) -> SentForm:
    """Return the form that was sent. ``of_session``: another session's is another form."""
    return sent_form(name, visit, visit.browser + (visit.session if of_session else ""))
