"""Requests that wait for a user: clients asked without a browser (CIBA), and the signed-in user allows or denies it."""

from typing import Any

from service.endpoints.account_page import AccountPage
from service.endpoints.browser_session import browser_of, form_of, session_csrf
from service.endpoints.endpoint import BrowserEndpoint, always
from service.issuer import Issuer
from service.login import backchannel_requests, consents
from service.login.backchannel_requests import APPROVALS_PATH, LoadedRequest
from service.login.client_display import client_values
from service.login.flow import allow_without_redirect
from service.login.interaction import CrowdedError, StaleError
from service.login.repeated_forms import answer_once, earlier_answer
from service.protocol.browsing import FormPost, Page, Redirect, Reply, Visit
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.protocol.names import OFFLINE_ACCESS
from service.records.interaction import BACKCHANNEL
from service.records.session import Session
from service.tokens.backchannel_requests import ciba_is_on
from service.tokens.members import described_members, judge_members

NAME = "approvals"
PATH = APPROVALS_PATH


async def _take_once(issuer: Issuer, visit: Visit, session: Session) -> Reply:
    form = form_of(NAME, visit, of_session=True)
    done = await answer_once(issuer, form, lambda: _take(issuer, visit, session))
    return done or await earlier_answer(issuer, form) or ACCOUNT_PAGE.stale(issuer)


async def _take(issuer: Issuer, visit: Visit, session: Session) -> Reply:
    """Refuse another user than the one who is asked."""
    browser = browser_of(issuer, visit)
    try:
        loaded = await backchannel_requests.load(issuer, visit.parameters.get("request", ""))
        if loaded.waiting.subject != session.subject:
            raise StaleError
        what = await _decided(issuer, visit, loaded, session, browser)
    except StaleError:
        return ACCOUNT_PAGE.stale(issuer)
    except (CrowdedError, TemporarilyUnavailable):
        raise
    except ProtocolError as error:  # the user may not allow it
        return ACCOUNT_PAGE.failed(issuer, error)
    return Reply(what, browser=None if visit.browser else browser)


async def _decided(
    issuer: Issuer, visit: Visit, loaded: LoadedRequest, session: Session, browser: str
) -> Redirect | FormPost | Page:
    client, request = loaded.client, loaded.waiting.request
    match visit.parameters.get("decision"):
        case "deny":
            await backchannel_requests.deny(issuer, loaded)
            return backchannel_requests.decided_page(issuer, loaded, allowed=False)
        case "allow":
            await judge_members(issuer, client, session.subject, request.members)
            await consents.remember(issuer, client, request, session)
            return await allow_without_redirect(
                issuer,
                client,
                request,
                session,
                browser,
                visit.address,
                channel=BACKCHANNEL,
                reference=loaded.reference,
            )
        case _:
            raise StaleError


async def _page(issuer: Issuer, visit: Visit, session: Session) -> Page:
    waiting = await backchannel_requests.waiting_for(issuer, session.subject)
    values = {
        "csrf": session_csrf(visit, PATH),
        "username": session.username,
        "requests": [await _values(issuer, loaded, session) for loaded in waiting],
    }
    return Page(NAME, values)


async def _values(issuer: Issuer, loaded: LoadedRequest, session: Session) -> dict[str, Any]:
    """Return the values of one request; without its details where a hook does not let the user allow them."""
    client, request = loaded.client, loaded.waiting.request
    described, scopes = issuer.settings.scopes, consents.requested_scopes(issuer, client, request)
    try:
        details = await described_members(issuer, client, session.subject, request.members)
    except TemporarilyUnavailable:
        raise
    except ProtocolError:
        details = []
    return {
        **(client_values(issuer.settings, client) or {}),
        "reference": loaded.reference,
        "binding_message": loaded.waiting.binding_message,
        "started_at": loaded.waiting.started_at,
        "scopes": [{"name": name, "description": described.get(name, "")} for name in scopes],
        "resources": list(request.audience),
        "details": [{"title": one.title, "facts": [fact._asdict() for fact in one.facts]} for one in details],
        "offline": OFFLINE_ACCESS in scopes,
    }


ACCOUNT_PAGE = AccountPage(NAME, PATH, _page, _take_once)
ENDPOINT = BrowserEndpoint(name=NAME, paths=always(PATH), is_on=ciba_is_on, handle=ACCOUNT_PAGE.decide)
