"""Agreeing: the stage permission of a question (IA-31, IA-28)."""

from service import consents
from service.asking import Asked, StaleError, advance, check_csrf, csrf_of, go_on, next_stage, refuse
from service.client_display import client_values
from service.consents import asked_scopes
from service.endpoints.browser_session import ShownError, asked_of, failed, session_of, stale
from service.issuer import Issuer
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.browsing import Page, Reply, Visit
from service.protocol.errors import AccessDenied, TemporarilyUnavailable
from service.protocol.names import OFFLINE_ACCESS
from service.records.client import Client
from service.records.question import Stage
from service.records.session import Session

NAME = "consent"


async def decide(issuer: Issuer, visit: Visit) -> Reply:
    """GET shows who asks for what, POST allows or denies it; only at this stage, and only for who is signed in (IA-32)."""
    try:
        session = await session_of(issuer, visit)
        asked = await asked_of(issuer, visit, session)
        stage = await next_stage(issuer, asked.client, asked.question, session)
        languages = asked.question.request.ui_locales if asked.question.request else ()
        if stage is not Stage.PERMISSION or asked.question.asks is not stage:
            if visit.is_post:
                raise StaleError
            return Reply(await go_on(issuer, asked, session), languages=languages)
        client, request = asked.client, asked.question.request
        if session is None or client is None or request is None:
            raise StaleError
        if not visit.is_post:
            return Reply(_page(issuer, visit, asked, client, request, session), languages=languages)
        check_csrf(asked, visit.browser, session, visit.parameters.get("csrf", ""))
        return await _take(issuer, visit, asked, client, request, session)
    except ShownError as shown:
        return Reply(shown.page)
    except StaleError:
        return Reply(stale())
    except TemporarilyUnavailable as error:
        return Reply(failed(error))


async def _take(
    issuer: Issuer, visit: Visit, asked: Asked, client: Client, request: AuthorizationRequest, session: Session
) -> Reply:
    decision = visit.parameters.get("decision")
    if decision == "deny":
        return Reply(await refuse(issuer, asked, AccessDenied("The user denied the request."), session))
    if decision == "switch":
        again = await advance(issuer, asked, session, anew=True, proved_at=0, chose=True)
        return Reply(await go_on(issuer, again, session), languages=request.ui_locales)
    if decision != "allow":
        raise StaleError
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
