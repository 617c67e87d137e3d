"""Your applications: a person sees which clients hold grants or consents of theirs, and ends any of that, or all."""

from typing import Any

from service import sessions
from service.asking import begin_for_page
from service.endpoints.browser_session import (
    browser_of,
    carries_session_csrf,
    client_values,
    failed,
    session_csrf,
    session_of,
    stale,
)
from service.hooks.facts import Revoked, about_revoked
from service.issuer import Issuer
from service.protocol.browsing import Page, Reply, Visit
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.names import OFFLINE_ACCESS, HookEvent
from service.records.consent import Consent
from service.records.grant import Grant
from service.records.session import Session

NAME = "applications"
PATH = "/applications"
_PAGE, _MOST = 200, 2000


async def decide(issuer: Issuer, visit: Visit) -> Reply:
    """Who is not signed in does so first. Ending a grant is a POST that carries what only this session's page knows."""
    try:
        session = await session_of(issuer, visit)
        if session is None:
            browser = browser_of(issuer, visit)
            what = await begin_for_page(issuer, f"{issuer.settings.issuer_path}{PATH}", browser)
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
    await issuer.store.consents.forget(session.subject, client_id)  # first: else it could ask silently meanwhile
    facts = about_revoked(Revoked.USER, "revoked_by_user", subject=session.subject, client_id=client_id)
    async with issuer.hooks.telling(HookEvent.REVOKED, **facts) as told:
        told.add(grants_ended=await issuer.store.grants.revoke_of_client(session.subject, client_id))
    client = await issuer.store.clients.get(client_id)
    return Reply(await _page(issuer, visit, session, ended=(client.name if client else "") or client_id))


async def _page(issuer: Issuer, visit: Visit, session: Session, ended: str = "") -> Page:
    consents = await issuer.store.consents.of_user(session.subject)
    held: dict[str, list[Grant]] = {client_id: [] for client_id in consents}
    for grant in await _grants(issuer, session.subject):
        held.setdefault(grant.client_id, []).append(grant)
    applications = [
        shown
        for client_id, grants in held.items()
        if (shown := await _application(issuer, client_id, grants, consents.get(client_id)))
    ]
    return Page(
        "applications",
        {
            "csrf": session_csrf(visit, PATH),
            "username": session.username,
            "applications": sorted(applications, key=lambda one: str(one["name"]).casefold()),
            "ended": ended,
            "everywhere": True,
        },
    )


async def _grants(issuer: Issuer, subject: str) -> list[Grant]:
    """The person's living grants, ``_MOST`` at most."""
    grants: list[Grant] = []
    cursor = ""
    while len(grants) < _MOST:
        page = await issuer.store.grants.list_of_user(subject, cursor, _PAGE)
        grants += [listed.grant for listed in page.grants]
        cursor = page.cursor
        if not cursor:
            break
    return grants


async def _application(
    issuer: Issuer, client_id: str, grants: list[Grant], consent: Consent | None
) -> dict[str, Any] | None:
    """What it may do now, or may do again without asking; None where the client no longer stands behind any of that."""
    client = await issuer.store.clients.get(client_id)
    if client is None or not client.enabled:
        return None
    living = [grant for grant in grants if client.stands_behind(grant)]
    since = [grant.issued_at for grant in living]
    scopes = dict.fromkeys(scope for grant in living for scope in grant.scope.split())
    if consent is not None and consent.generation >= client.generation:
        since.append(consent.given_at)
        scopes |= dict.fromkeys(consent.scopes)
    if not since:
        return None
    described = issuer.settings.scopes
    return {
        **(client_values(client) or {}),
        "scopes": [{"name": name, "description": described.get(name, "")} for name in scopes],
        "since": min(since),
        "offline": OFFLINE_ACCESS in scopes,
    }
