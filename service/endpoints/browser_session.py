"""What the pages share: who is at this browser, and what is said when a form cannot be taken."""

import hmac

from service import sessions
from service.asking import Asked, OtherBrowserError, StaleError, resume
from service.issuer import Issuer
from service.protocol.browsing import Page, Visit
from service.protocol.credentials import base64url
from service.protocol.errors import ProtocolError
from service.records.session import Session


class ShownError(Exception):
    """Ends a visit with a page."""

    def __init__(self, page: Page) -> None:
        super().__init__(page.name)
        self.page = page


async def session_of(issuer: Issuer, visit: Visit) -> Session | None:
    """Who has signed in at this browser. One round trip where there is a cookie."""
    return await sessions.read(issuer, visit.session) if visit.session else None


def browser_of(issuer: Issuer, visit: Visit) -> str:
    """The cookie that ties questions to this browser; a fresh one where it has none."""
    return visit.browser or base64url(issuer.randomness(32))


async def asked_of(issuer: Issuer, visit: Visit, session: Session | None) -> Asked:
    """The question that the visit is about, in this session. Raises ShownError."""
    try:
        return await resume(issuer, visit.parameters.get("ticket", ""), visit.browser, session)
    except OtherBrowserError as error:
        raise ShownError(other_browser()) from error
    except StaleError as error:
        raise ShownError(stale()) from error


def session_csrf(visit: Visit, path: str) -> str:
    """What the form of one of a signed-in person's own pages carries: only who holds the session's cookie can make it."""
    return base64url(hmac.digest(visit.session.encode(), path.encode(), "sha256"))


def carries_session_csrf(visit: Visit, path: str) -> bool:
    """Whether the form that was sent is the one that this session was shown."""
    return hmac.compare_digest(session_csrf(visit, path).encode(), visit.parameters.get("csrf", "").encode())


def stale() -> Page:
    """The form was sent already, too late, out of order, or not by us."""
    return Page("error", {"kind": "stale", "error": "", "description": ""}, 400)


def other_browser() -> Page:
    """The cookie that the question is tied to is not there."""
    return Page("error", {"kind": "browser", "error": "", "description": ""}, 400)


def failed(error: ProtocolError) -> Page:
    """An error that only the person in front of the browser may see."""
    kind = "unavailable" if error.status == 503 else "request"
    return Page("error", {"kind": kind, "error": error.error, "description": error.description}, error.status)
