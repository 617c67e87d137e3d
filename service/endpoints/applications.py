"""Your applications: a user sees which clients hold grants or consents of theirs, and ends any of that, or all."""

from typing import Any

from service.admin import authorizations
from service.admin.authorizations import Authorized
from service.endpoints.browser_session import (
    browser_of,
    carries_session_csrf,
    failed,
    form_of,
    session_csrf,
    stale,
    way,
)
from service.endpoints.endpoint import BrowserEndpoint, always
from service.issuer import Issuer
from service.login import ending_sessions, sessions
from service.login.client_display import client_values, name_of
from service.login.flow import start_for_page
from service.login.repeated_forms import answer_once, earlier_answer
from service.protocol.browsing import Page, Reply, Visit
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.names import OFFLINE_ACCESS
from service.records.session import Session

NAME = "applications"
PATH = "/applications"


async def decide(issuer: Issuer, visit: Visit) -> Reply:
    """Who is not signed in does so first. Ending a grant is a POST that carries what only this session's page knows."""
    try:
        session = await sessions.read(issuer, visit.session)
        if session is None:
            if visit.session and "everywhere" in visit.parameters and (earlier := await _answered(issuer, visit)):
                return earlier
            browser = browser_of(issuer, visit)
            what = await start_for_page(issuer, f"{issuer.settings.issuer_path}{PATH}", browser, visit.address)
            return Reply(what, browser=None if visit.browser else browser)
        if not visit.is_post:
            return Reply(await _page(issuer, visit, session))
        if not carries_session_csrf(visit, PATH):
            return Reply(_stale(issuer))
        return await _take(issuer, visit, session)
    except TemporarilyUnavailable as error:
        issuer.refusals.record(NAME, error)
        return Reply(failed(error))


async def _take(issuer: Issuer, visit: Visit, session: Session) -> Reply:
    if "everywhere" in visit.parameters:
        form = form_of(NAME, visit, of_session=True)
        done = await answer_once(issuer, form, lambda: _signed_out_everywhere(issuer, session))
        return done or await _answered(issuer, visit) or Reply(_stale(issuer))
    client_id = visit.parameters.get("end")
    if not client_id:
        return Reply(_stale(issuer))
    await authorizations.end(issuer, session.subject, client_id, "revoked_by_user")
    client = await issuer.store.clients.get(client_id)
    return Reply(await _page(issuer, visit, session, ended=name_of(issuer.settings, client) if client else client_id))


async def _signed_out_everywhere(issuer: Issuer, session: Session) -> Reply:
    await ending_sessions.sign_out_everywhere(issuer, session.subject)
    return Reply(Page("signed_out", {"frames": [], "continue_to": "", "client": None, "everywhere": True}), session="")


async def _answered(issuer: Issuer, visit: Visit) -> Reply | None:
    """What this very form was answered a moment ago: the session that it was of has ended by it."""
    return await earlier_answer(issuer, form_of(NAME, visit, of_session=True))


def _stale(issuer: Issuer) -> Page:
    return stale(way("continue", issuer.settings.issuer_path + PATH))


async def _page(issuer: Issuer, visit: Visit, session: Session, ended: str = "") -> Page:
    applications = await authorizations.list_of_subject(issuer, session.subject)
    return Page(
        "applications",
        {
            "csrf": session_csrf(visit, PATH),
            "username": session.username,
            "applications": [_shown(issuer, application) for application in applications],
            "ended": ended,
            "everywhere": True,
        },
    )


def _shown(issuer: Issuer, application: Authorized) -> dict[str, Any]:
    described = issuer.settings.scopes
    return {
        **(client_values(issuer.settings, application.client) or {}),
        "scopes": [{"name": name, "description": described.get(name, "")} for name in application.scopes],
        "resources": list(application.resources),
        "details": list(application.details),
        "since": application.since,
        "offline": OFFLINE_ACCESS in application.scopes,
    }


ENDPOINT = BrowserEndpoint(name=NAME, paths=always(PATH), handle=decide)
