"""Your applications: a person sees which clients hold grants or consents of theirs, and ends any of that, or all."""

from typing import Any

from service import sessions
from service.admin import authorizations
from service.admin.authorizations import Authorized
from service.asking import begin_for_page
from service.client_display import client_values, name_of
from service.endpoints.browser_session import (
    browser_of,
    carries_session_csrf,
    failed,
    session_csrf,
    session_of,
    stale,
)
from service.issuer import Issuer
from service.protocol.browsing import Page, Reply, Visit
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.names import OFFLINE_ACCESS
from service.records.session import Session

NAME = "applications"
PATH = "/applications"


async def decide(issuer: Issuer, visit: Visit) -> Reply:
    """Who is not signed in does so first. Ending a grant is a POST that carries what only this session's page knows."""
    try:
        session = await session_of(issuer, visit)
        if session is None:
            browser = browser_of(issuer, visit)
            what = await begin_for_page(issuer, f"{issuer.settings.issuer_path}{PATH}", browser, visit.address)
            return Reply(what, browser=None if visit.browser else browser)
        if not visit.is_post:
            return Reply(await _page(issuer, visit, session))
        if not carries_session_csrf(visit, PATH):
            return Reply(stale())
        return await _take(issuer, visit, session)
    except TemporarilyUnavailable as error:
        return Reply(failed(error))


async def _take(issuer: Issuer, visit: Visit, session: Session) -> Reply:
    if "everywhere" in visit.parameters:
        await sessions.sign_out_everywhere(issuer, session.subject)
        return Reply(
            Page("signed_out", {"frames": [], "continue_to": "", "client": None, "everywhere": True}), session=""
        )
    client_id = visit.parameters.get("end")
    if not client_id:
        return Reply(stale())
    await authorizations.end(issuer, session.subject, client_id, "revoked_by_user")
    client = await issuer.store.clients.get(client_id)
    return Reply(await _page(issuer, visit, session, ended=name_of(issuer.settings, client) if client else client_id))


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
        "since": application.since,
        "offline": OFFLINE_ACCESS in application.scopes,
    }
