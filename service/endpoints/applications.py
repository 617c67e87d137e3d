"""Your applications: a user sees which clients hold grants or consents of theirs, and ends any of that, or all."""

from typing import Any

from service.admin import authorizations
from service.admin.authorizations import Authorized
from service.endpoints.account_page import AccountPage
from service.endpoints.browser_session import form_of, session_csrf
from service.endpoints.endpoint import BrowserEndpoint, always
from service.issuer import Issuer
from service.login import ending_sessions
from service.login.client_display import client_values, name_of
from service.login.repeated_forms import answer_once, earlier_answer
from service.protocol.browsing import Page, Reply, Visit
from service.protocol.names import OFFLINE_ACCESS
from service.records.session import Session

NAME = "applications"
PATH = "/applications"


async def _take(issuer: Issuer, visit: Visit, session: Session) -> Reply:
    if "everywhere" in visit.parameters:
        form = form_of(NAME, visit, of_session=True)
        done = await answer_once(issuer, form, lambda: _signed_out_everywhere(issuer, session))
        return done or await _answered(issuer, visit) or ACCOUNT_PAGE.stale(issuer)
    client_id = visit.parameters.get("end")
    if not client_id:
        return ACCOUNT_PAGE.stale(issuer)
    await authorizations.end(issuer, session.subject, client_id, "revoked_by_user")
    client = await issuer.store.clients.get(client_id)
    return Reply(await _page(issuer, visit, session, ended=name_of(issuer.settings, client) if client else client_id))


async def _signed_out_everywhere(issuer: Issuer, session: Session) -> Reply:
    ended = await ending_sessions.sign_out_everywhere(issuer, session.subject, own_sid=session.sid)
    values = {"frames": list(ended.frames), "continue_to": "", "client": None, "everywhere": True}
    return Reply(Page("signed_out", values), session="")


async def _answered(issuer: Issuer, visit: Visit) -> Reply | None:
    """Return the answer to this very form a moment ago, by which its session has ended."""
    if "everywhere" not in visit.parameters:
        return None
    return await earlier_answer(issuer, form_of(NAME, visit, of_session=True))


async def _page(issuer: Issuer, visit: Visit, session: Session, ended: str = "") -> Page:
    applications = await authorizations.list_of_subject(issuer, session.subject)
    return Page(
        "applications",
        {
            "csrf": session_csrf(visit, PATH),
            "username": session.username,
            "applications": [_values(issuer, application) for application in applications],
            "ended": ended,
            "everywhere": True,
        },
    )


def _values(issuer: Issuer, application: Authorized) -> dict[str, Any]:
    described = issuer.settings.scopes
    return {
        **(client_values(issuer.settings, application.client) or {}),
        "scopes": [{"name": name, "description": described.get(name, "")} for name in application.scopes],
        "resources": list(application.resources),
        "details": list(application.details),
        "since": application.since,
        "offline": OFFLINE_ACCESS in application.scopes,
    }


ACCOUNT_PAGE = AccountPage(NAME, PATH, _page, _take, _answered)
ENDPOINT = BrowserEndpoint(name=NAME, paths=always(PATH), handle=ACCOUNT_PAGE.decide)
