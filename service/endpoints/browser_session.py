"""What the pages share: who is at this browser; a form is taken once; and what cannot go on is no dead end."""

import hmac
from collections.abc import Awaitable, Callable

from service.issuer import Issuer
from service.login import sessions
from service.login.client_display import client_values
from service.login.interaction import next_stage, page_of
from service.login.repeated_forms import SentForm, answer_once, earlier_answer, sent_form
from service.login.tickets import Asked, OtherBrowserError, StaleError, check_csrf, resume
from service.protocol.browsing import Page, Redirect, Reply, Visit
from service.protocol.credentials import Kind, base64url
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.records.interaction import Question, Stage
from service.records.session import Session

Answering = Callable[[Issuer, Visit, Asked, Session | None], Awaitable[Reply]]
AGAIN = "again"
"""The parameter by which a person asks to begin anew what has ended."""


async def session_of(issuer: Issuer, visit: Visit) -> Session | None:
    """Who has signed in at this browser. One round trip where there is a cookie."""
    return await sessions.read(issuer, visit.session) if visit.session else None


def browser_of(issuer: Issuer, visit: Visit) -> str:
    """The cookie that ties questions to this browser; a fresh one where it has none."""
    return visit.browser or Kind.BROWSER + base64url(issuer.randomness(32))


def session_csrf(visit: Visit, path: str) -> str:
    """What the form of one of a signed-in person's own pages carries: only who holds the session's cookie can make it."""
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
    """The cookie that the question is tied to is not there."""
    return Page("error", {"kind": "browser", "error": "", "description": ""}, 400)


def failed(error: ProtocolError, *ways: dict[str, str]) -> Page:
    """An error that only the person in front of the browser may see."""
    kind = "unavailable" if error.status == 503 else "request"
    values = {"kind": kind, "error": error.error, "description": error.description, "ways": ways}
    return Page("error", values | {"retry_after": error.headers.get("Retry-After", "")}, error.status)


# the pages of an interaction


async def answer_visit(issuer: Issuer, visit: Visit, show: Answering, take: Answering, form: SentForm) -> Reply:
    """GET shows what is asked, POST answers it, once; a form that is not of this very stage changes nothing (IA-32)."""
    session: Session | None = None
    asked: Asked | None = None
    try:
        session = await session_of(issuer, visit)
        asked = await resume(issuer, visit.parameters.get("ticket", ""), visit.browser, session, visit.address)
        if not visit.is_post:
            return await show(issuer, visit, asked, session)
        return await _take_once(issuer, visit, asked, session, take, form)
    except OtherBrowserError:
        return Reply(other_browser())
    except StaleError as error:
        repeated = await earlier_answer(issuer, form) if visit.is_post and visit.browser else None
        return repeated or await _lead_on(issuer, visit, asked, session, error.over)
    except TemporarilyUnavailable as error:
        issuer.refusals.record(form.page, error)
        return Reply(failed(error, *ways_on(issuer, asked)))


def form_of(name: str, visit: Visit, *, of_session: bool) -> SentForm:
    """The form that was sent. ``of_session``: another session's is another form."""
    return sent_form(name, visit, visit.browser + (visit.session if of_session else ""))


def ways_on(issuer: Issuer, asked: Asked | None) -> list[dict[str, str]]:
    """Links on a page that cannot go on: to the question, as far as it has got."""
    return [way("continue", page_of(issuer, asked.ticket))] if asked else []


async def _take_once(
    issuer: Issuer, visit: Visit, asked: Asked, session: Session | None, take: Answering, form: SentForm
) -> Reply:
    check_csrf(asked, visit.browser, session, visit.parameters.get("csrf", ""))
    reply = await answer_once(issuer, form, lambda: take(issuer, visit, asked, session))
    if reply is None:
        raise StaleError
    return reply


async def _lead_on(
    issuer: Issuer, visit: Visit, asked: Asked | None, session: Session | None, over: Question | None
) -> Reply:
    """A form to sign in with leads on where the user has done so by now, in another tab. Else a page with links."""
    if asked is not None:
        if visit.is_post and "password" in visit.parameters and await _is_past_login(issuer, asked, session):
            return Reply(Redirect(page_of(issuer, asked.ticket)))
        return Reply(stale(*ways_on(issuer, asked)))
    return Reply(stale(*await _ways_again(issuer, visit, over)))


async def _is_past_login(issuer: Issuer, asked: Asked, session: Session | None) -> bool:
    return await next_stage(issuer, asked.client, asked.question, session) not in (Stage.LOGIN, Stage.SELECT_ACCOUNT)


async def _ways_again(issuer: Issuer, visit: Visit, over: Question | None) -> list[dict[str, str]]:
    """To the same request once more, and to the client."""
    if over is None or over.request is None:
        return []
    client = await issuer.store.clients.get(over.request.client_id)
    shown = client_values(issuer.settings, client, over.request.redirect_uri)
    if shown is None:
        return []
    again = [way("again", page_of(issuer, visit.parameters["ticket"]) + f"&{AGAIN}=1")]
    return again + ([way("client", shown["client_uri"], shown["name"])] if shown["client_uri"] else [])
