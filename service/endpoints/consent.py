"""Agreeing: the stage permission of a question (IA-31, IA-28)."""

from service.endpoints.browser_session import answer_visit, form_of
from service.endpoints.endpoint import BrowserEndpoint, always
from service.issuer import Issuer
from service.login import consents
from service.login.client_display import client_values
from service.login.consents import asked_scopes
from service.login.interaction import CONSENT_PATH, go_on, next_stage, refuse
from service.login.tickets import Asked, StaleError, advance, csrf_of
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.browsing import Page, Reply, Visit
from service.protocol.errors import AccessDenied
from service.protocol.names import OFFLINE_ACCESS
from service.records.client import Client
from service.records.interaction import Stage
from service.records.session import Session

NAME = "consent"


async def decide(issuer: Issuer, visit: Visit) -> Reply:
    """GET shows who asks for what, POST allows or denies it; only at this stage, and only for who is signed in (IA-32)."""
    return await answer_visit(issuer, visit, _show, _take, form_of(NAME, visit, of_session=True))


async def _show(issuer: Issuer, visit: Visit, asked: Asked, session: Session | None) -> Reply:
    """The page, where it is due; else on to what is."""
    stage = await next_stage(issuer, asked.client, asked.question, session)
    client, request = asked.client, asked.question.request
    if stage is not Stage.PERMISSION or asked.question.asks is not stage or not session or not client or not request:
        return Reply(await go_on(issuer, asked, session), languages=request.ui_locales if request else ())
    return Reply(_page(issuer, visit, asked, client, request, session), languages=request.ui_locales)


async def _take(issuer: Issuer, visit: Visit, asked: Asked, session: Session | None) -> Reply:
    """A yes that is not needed any more (it was said in another tab) is none to be recorded, but leads on all the same."""
    client, request = asked.client, asked.question.request
    if asked.question.asks is not Stage.PERMISSION or session is None or client is None or request is None:
        raise StaleError
    decision = visit.parameters.get("decision")
    if decision == "deny":
        return Reply(await refuse(issuer, asked, AccessDenied("The user denied the request."), session))
    if decision == "switch":
        again = await advance(issuer, asked, session, anew=True, proved_at=0, chose=True)
        return Reply(await go_on(issuer, again, session), languages=request.ui_locales)
    if decision != "allow":
        raise StaleError
    if await next_stage(issuer, client, asked.question, session) is not Stage.PERMISSION:
        return Reply(await go_on(issuer, asked, session), languages=request.ui_locales)
    # First the question, so that of two answers only one is remembered; what is not remembered is asked again.
    agreed = await advance(issuer, asked, session, consented=True)
    await consents.remember(issuer, client, request, session)
    return Reply(await go_on(issuer, agreed, session))


def _page(
    issuer: Issuer, visit: Visit, asked: Asked, client: Client, request: AuthorizationRequest, session: Session
) -> Page:
    described = issuer.settings.scopes
    scopes = asked_scopes(issuer, client, request)
    return Page(
        "consent",
        {
            "ticket": asked.ticket,
            "csrf": csrf_of(asked, visit.browser, session),
            "client": client_values(issuer.settings, client, request.redirect_uri),
            "username": session.username,
            "scopes": [{"name": name, "description": described.get(name, "")} for name in scopes],
            "resources": list(request.audience),
            "offline": OFFLINE_ACCESS in scopes,
        },
    )


ENDPOINT = BrowserEndpoint(name=NAME, paths=always(CONSENT_PATH), handle=decide)
