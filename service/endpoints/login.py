"""Signing in: the stages login and select_account of a question (IA-29 to IA-34)."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from service.directory import BlockedError, Person
from service.endpoints.browser_session import (
    AGAIN,
    answer_visit,
    failed,
    form_of,
    other_browser,
    session_of,
    stale,
    ways_on,
)
from service.endpoints.endpoint import BrowserEndpoint, always
from service.issuer import Issuer
from service.login import sessions
from service.login.client_display import client_values
from service.login.interaction import LOGIN_PATH, begin_again, go_on, next_stage, refuse
from service.login.tickets import Asked, OtherBrowserError, StaleError, advance, begun_with, csrf_of
from service.protocol.browsing import Page, Reply, Visit
from service.protocol.errors import AccessDenied, ProtocolError, TemporarilyUnavailable
from service.protocol.names import Prompt
from service.records.interaction import Stage
from service.records.session import Session

log = logging.getLogger(__name__)

NAME = "login"
MAX_USERNAME = 255


async def decide(issuer: Issuer, visit: Visit) -> Reply:
    """GET shows what is asked, POST answers it; a form that is not of this very stage changes nothing (IA-32)."""
    if AGAIN in visit.parameters and not visit.is_post:
        return await _begin_again(issuer, visit)
    show = _show
    if visit.is_post and _is_unfilled(visit):
        # It answers nothing, so nothing of it is kept: there is no end to such forms.
        visit, show = msgspec.structs.replace(visit, method="GET"), partial(_show, fault="missing")
    return await answer_visit(issuer, visit, show, _take, form_of(NAME, visit, of_session=False))


def _is_unfilled(visit: Visit) -> bool:
    """Whether a form says neither who somebody is, nor what they chose."""
    said = visit.parameters
    return not ("cancel" in said or "choice" in said or ("username" in said and "password" in said))


async def _begin_again(issuer: Issuer, visit: Visit) -> Reply:
    """The same request once more, from its beginning: the page was open for too long."""
    try:
        over = await begun_with(issuer, visit.parameters.get("ticket", ""), visit.browser)
        session = await session_of(issuer, visit)
        return Reply(await begin_again(issuer, over, session, visit.browser, visit.address))
    except OtherBrowserError:
        return Reply(other_browser())
    except StaleError:
        return Reply(stale())
    except TemporarilyUnavailable as error:
        issuer.refusals.record(NAME, error)
        return Reply(failed(error))


async def _show(issuer: Issuer, visit: Visit, asked: Asked, session: Session | None, *, fault: str = "") -> Reply:
    """The page of the stage; where it is answered by now (in another tab), on to what comes after it."""
    stage = await next_stage(issuer, asked.client, asked.question, session)
    if stage is not asked.question.asks or stage is Stage.PERMISSION:
        return _reply(asked, await go_on(issuer, asked, session))
    if stage is Stage.SELECT_ACCOUNT:
        return _reply(asked, _selection(issuer, visit, asked, session))
    return _reply(asked, _form(issuer, visit, asked, session, fault=fault))


async def _take(issuer: Issuer, visit: Visit, asked: Asked, session: Session | None) -> Reply:
    form = visit.parameters
    if "cancel" in form and asked.client is not None:
        return _reply(asked, await refuse(issuer, asked, AccessDenied("The user did not sign in."), session))
    stage = asked.question.asks
    if stage is Stage.SELECT_ACCOUNT and session is not None:
        other = form.get("choice") == "other"
        if not other and form.get("choice") != "continue":
            raise StaleError
        chosen = await advance(issuer, asked, session, chose=True, anew=other)
        return _reply(asked, await go_on(issuer, chosen, session))
    if stage is Stage.LOGIN:
        return await _try_password(issuer, visit, asked, session)
    raise StaleError


async def _try_password(issuer: Issuer, visit: Visit, asked: Asked, session: Session | None) -> Reply:
    """The attempt is counted before the password is looked at: of a form sent twice at once only one is tried."""
    username, password = visit.parameters.get("username", ""), visit.parameters.get("password", "")
    if not username or not password:
        raise StaleError
    attempt = asked.question.attempt
    if attempt > issuer.settings.login_attempts:
        return _reply(asked, await refuse(issuer, asked, AccessDenied("Too many attempts to sign in."), session))
    asked = await advance(issuer, asked, session, stage=f"{Stage.LOGIN}:{attempt + 1}")
    try:
        person = await issuer.directory.verify(username[: MAX_USERNAME + 1], password, visit.address, visit.device)
    except BlockedError as blocked:
        issuer.metrics.security_event(blocked.event)
        reason = issuer.refusals.keep(NAME, "wrong_password", blocked.event)
        log.warning(blocked.event, extra={"address": visit.address, "reason_code": reason})
        return _reply(asked, _form(issuer, visit, asked, session, fault="blocked", wait=blocked.seconds))
    if person is None:
        reason = issuer.refusals.keep(NAME, "wrong_password", "user name or password is wrong")
        log.info("login_failed", extra={"address": visit.address, "attempt": attempt, "reason_code": reason})
        return _reply(asked, _form(issuer, visit, asked, session, fault="wrong"))
    return await _signed_in(issuer, visit, asked, session, person)


async def _signed_in(issuer: Issuer, visit: Visit, asked: Asked, session: Session | None, person: Person) -> Reply:
    client_id = asked.client.client_id if asked.client else ""
    try:
        signed = await sessions.sign_in(issuer, person, session, address=visit.address, client_id=client_id)
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        return _reply(asked, await refuse(issuer, asked, error, session))
    issuer.metrics.request(NAME, "ok")
    log.info("signed_in", extra={"subject": person.subject, "sid": signed.session.sid})
    try:
        by = signed.session
        proved = await advance(issuer, asked, by, proved_at=by.auth_time, anew=False, chose=True)
        what = await go_on(issuer, proved, signed.session)
    except StaleError:
        page = stale(*ways_on(issuer, asked))
        return Reply(page, session=signed.cookie, device=person.device or None)
    except TemporarilyUnavailable as error:
        issuer.refusals.record(NAME, error)
        page = failed(error, *ways_on(issuer, asked))
        return Reply(page, session=signed.cookie, device=person.device or None)
    return Reply(what, session=signed.cookie, device=person.device or None, languages=_languages(asked))


def _form(
    issuer: Issuer, visit: Visit, asked: Asked, session: Session | None, *, fault: str = "", wait: int = 0
) -> Page:
    question, request = asked.question, asked.question.request
    again = session is not None and not question.anew
    hint = request.login_hint if request and request.login_hint else ""
    username = visit.parameters.get("username") or hint or (session.username if session and again else "")
    signs_up = request is not None and Prompt.CREATE in request.prompt
    return Page(
        "login",
        {
            "ticket": asked.ticket,
            "csrf": csrf_of(asked, visit.browser, session),
            "client": _client_values(issuer, asked),
            "username": username[:MAX_USERNAME],
            "again": again,
            "fault": fault,
            "wait": wait,
            "sign_up_url": issuer.settings.sign_up_url or "",
            "signs_up": signs_up,
        },
    )


def _selection(issuer: Issuer, visit: Visit, asked: Asked, session: Session | None) -> Page:
    return Page(
        "select_account",
        {
            "ticket": asked.ticket,
            "csrf": csrf_of(asked, visit.browser, session),
            "client": _client_values(issuer, asked),
            "username": session.username if session else "",
        },
    )


def _client_values(issuer: Issuer, asked: Asked) -> Mapping[str, Any] | None:
    request = asked.question.request
    return client_values(issuer.settings, asked.client, request.redirect_uri if request else "")


def _languages(asked: Asked) -> tuple[str, ...]:
    return asked.question.request.ui_locales if asked.question.request else ()


def _reply(asked: Asked, what: object) -> Reply:
    return Reply(what, languages=_languages(asked))  # type: ignore[arg-type]


ENDPOINT = BrowserEndpoint(name=NAME, paths=always(LOGIN_PATH), handle=decide)
