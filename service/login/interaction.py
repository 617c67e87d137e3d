"""Questions: what a person must be asked before an authorization request can be answered, and the answer to the client.

A question waits under a ticket (``tickets``) and goes through stages (IA-29 to IA-32): new → select_account → login:n →
permission → done. Which one is next follows from the request, the session and what was allowed before; a stage that is not the
next one cannot be answered. Pages answer questions in the browser front; nothing here knows HTML.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import msgspec

from service.issuer import Issuer
from service.login import consents, sessions, tickets
from service.login.consents import asked_scopes
from service.login.error_response import send_error
from service.login.tickets import Asked, CrowdedError, StaleError
from service.protocol import claims
from service.protocol.authorization_request import AuthorizationRequest, Verified
from service.protocol.authorization_response import deliver
from service.protocol.browsing import FormPost, Page, Redirect
from service.protocol.credentials import hashed
from service.protocol.errors import (
    AccessDenied,
    AccountSelectionRequired,
    ConsentRequired,
    InvalidGrant,
    InvalidRequest,
    LoginRequired,
    ProtocolError,
    TemporarilyUnavailable,
)
from service.protocol.names import GrantTypeName, Prompt
from service.records.authorization_code import AuthorizationCode
from service.records.client import Client
from service.records.grant import Grant
from service.records.interaction import Question, Stage
from service.records.session import Session
from service.tokens.authorization_response import Answer, answer_authorization
from service.tokens.id_tokens import read_hint, subject_for

log = logging.getLogger(__name__)

LOGIN_PATH, CONSENT_PATH = "/login", "/consent"
_PAGES = {Stage.LOGIN: LOGIN_PATH, Stage.SELECT_ACCOUNT: LOGIN_PATH, Stage.PERMISSION: CONSENT_PATH}
_WITHOUT_ASKING = {
    Stage.LOGIN: LoginRequired,
    Stage.SELECT_ACCOUNT: AccountSelectionRequired,
    Stage.PERMISSION: ConsentRequired,
}


# asking


async def begin(
    issuer: Issuer,
    client: Client,
    request: AuthorizationRequest,
    session: Session | None,
    browser: str,
    address: str = "",
) -> Redirect | FormPost:
    """Answer a request, or ask the person first: where to go next. ``browser``: the cookie that the question is tied to;
    ``address``: of that browser.

    Raises LoginRequired, ConsentRequired, AccountSelectionRequired where prompt=none and somebody would have to be asked,
    InvalidRequest for a hint that is none, CrowdedError, TemporarilyUnavailable.
    """
    question = Question(
        hashed(browser),
        int(issuer.clock()),
        request,
        client_generation=client.generation,
        expects=await expected_subject(issuer, client, request),
        anew=Prompt.CREATE in request.prompt,
    )
    stage = await next_stage(issuer, client, question, session)
    if stage is Stage.DONE and session is not None:
        return await _answer(issuer, client, question, session)
    if Prompt.NONE in request.prompt:
        raise _WITHOUT_ASKING[stage]("Nobody may be asked (prompt=none), but somebody would have to be.")
    return await _ask(issuer, question, stage, address)


async def begin_for_page(issuer: Issuer, path: str, browser: str, address: str = "") -> Redirect:
    """Let a user sign in to see one of our own pages. Raises CrowdedError, TemporarilyUnavailable."""
    return await _ask(issuer, Question(hashed(browser), int(issuer.clock()), return_to=path), Stage.LOGIN, address)


async def begin_again(
    issuer: Issuer, over: Question, session: Session | None, browser: str, address: str
) -> Redirect | FormPost | Page:
    """Put a question anew whose time is over: whatever holds today is asked for today. Raises StaleError where the client may
    not ask it any more, CrowdedError, TemporarilyUnavailable.
    """
    if over.request is None:
        return Redirect(over.return_to)
    client = await issuer.store.clients.get(over.request.client_id)
    if client is None or not tickets.stands(client, client.generation, over.request):
        raise StaleError
    try:
        return await begin(issuer, client, over.request, session, browser, address)
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        return send_error(issuer, client, verified_of(over.request), error, knowingly=session is not None)


async def go_on(issuer: Issuer, asked: Asked, session: Session | None) -> Redirect | FormPost | Page:
    """The next page, or the answer to the client. Raises StaleError, TemporarilyUnavailable."""
    asked = asked._replace(question=asked.question.seen_in(session))
    if asked.question.proved_at and session and not _is_expected(issuer, asked.client, asked.question, session):
        return await refuse(issuer, asked, LoginRequired("Another user signed in than the one who was named."), session)
    stage = await next_stage(issuer, asked.client, asked.question, session)
    if stage is not Stage.DONE or session is None:
        moved = await tickets.change(issuer, asked, stage=_numbered(stage, asked.question))
        return _page(issuer, asked.ticket, moved.question.asks)
    done = await tickets.finish(issuer, asked)
    if done.client is None:
        return Redirect(done.question.return_to)
    try:
        return await _answer(issuer, done.client, done.question, session)
    except ProtocolError as error:
        return answer_error(issuer, done, error, session)


async def refuse(
    issuer: Issuer, asked: Asked, error: ProtocolError, session: Session | None
) -> Redirect | FormPost | Page:
    """Close a question with an error for the client; where there is no room to remember that, it may be put once more.

    Raises StaleError, TemporarilyUnavailable.
    """
    with suppress(CrowdedError):
        asked = await tickets.finish(issuer, asked)
    return answer_error(issuer, asked, error, session)


def answer_error(
    issuer: Issuer, asked: Asked, error: ProtocolError, session: Session | None
) -> Redirect | FormPost | Page:
    """The error on its way to the client; without one, back to our own page. ``session``: of who was asked."""
    client, request = asked.client, asked.question.request
    if client is None or request is None:
        return Redirect(issuer.settings.issuer_path + "/")
    issuer.refusals.record("authorize", error)
    return send_error(issuer, client, verified_of(request), error, knowingly=session is not None)


async def next_stage(issuer: Issuer, client: Client | None, question: Question, session: Session | None) -> Stage:
    """What the person has to be asked next; DONE where nothing is left. One round trip where consent must be looked up."""
    question = question.seen_in(session)
    request = question.request
    if client is None or request is None:
        return Stage.LOGIN if session is None else Stage.DONE
    selects = Prompt.SELECT_ACCOUNT in request.prompt and not question.chose and not question.proved_at
    if session is not None and selects:
        return Stage.SELECT_ACCOUNT
    if session is None or _must_prove(issuer, client, question, request, session):
        return Stage.LOGIN
    if await consents.must_be_asked(issuer, client, question, request, session):
        return Stage.PERMISSION
    return Stage.DONE


# how it is done


async def _ask(issuer: Issuer, question: Question, stage: Stage, address: str) -> Redirect:
    asked: Question = msgspec.structs.replace(question, stage=_numbered(stage, question))
    return _page(issuer, await tickets.start(issuer, asked, address), stage)


def _numbered(stage: Stage, question: Question) -> str:
    """``login:1`` for the first attempt (IA-30); the number stays while a wrong password has not raised it."""
    return f"{stage}:{question.attempt or 1}" if stage is Stage.LOGIN else stage.value


def page_of(issuer: Issuer, ticket: str, stage: Stage = Stage.LOGIN) -> str:
    """Where a question is asked; the login page leads to whatever else is due."""
    return f"{issuer.settings.issuer_path}{_PAGES[stage]}?{urlencode({'ticket': ticket})}"


def _page(issuer: Issuer, ticket: str, stage: Stage) -> Redirect:
    return Redirect(page_of(issuer, ticket, stage))


async def expected_subject(issuer: Issuer, client: Client, request: AuthorizationRequest) -> str:
    """The subject that the client named, as it knows them, by an ID token or the claims parameter (OpenID Connect Core
    3.1.2.1, 5.5.1); "" where it named nobody. Raises InvalidRequest.
    """
    if request.id_token_hint is not None:
        hint = await read_hint(issuer, request.id_token_hint)
        if hint is None or hint.client_id != client.client_id:
            raise InvalidRequest("id_token_hint is not an ID token that this client got here.")
        return hint.subject
    asked = request.claims.id_token.get("sub") or request.claims.userinfo.get("sub")
    wanted = asked.values[0] if asked and len(asked.values) == 1 else ""
    return wanted if isinstance(wanted, str) else ""


def _is_expected(issuer: Issuer, client: Client | None, question: Question, session: Session) -> bool:
    if client is None or question.request is None:
        return True
    known_as = subject_for(issuer, client, session.subject)
    return question.expects in {"", known_as} and question.request.claims.accept_subject(known_as)


def _must_prove(
    issuer: Issuer, client: Client, question: Question, request: AuthorizationRequest, session: Session
) -> bool:
    """Whether a session is not enough: asked for anew, too old, or another user's (OpenID Connect Core 3.1.2.3).

    Both ends of an age are whole seconds, so it may be almost one more than it seems: never older than max_age, and max_age=0
    is prompt=login (OpenID Connect Core 3.1.2.1).
    """
    if question.proved_at:
        return False
    if question.anew or Prompt.LOGIN in request.prompt or not _is_expected(issuer, client, question, session):
        return True
    return request.max_age is not None and int(issuer.clock()) - session.auth_time >= request.max_age


async def _answer(issuer: Issuer, client: Client, question: Question, session: Session) -> Redirect | FormPost:
    """Code and tokens for the client. The session is looked at once more after they are written: what a logout that
    overlaps did not find, is ended here (P6). Raises AccessDenied, LoginRequired, TemporarilyUnavailable.
    """
    request = question.request
    if request is None:
        raise StaleError
    person = await _claims_of(issuer, request, session)
    grant = _grant(issuer, client, request, session, person)
    about = claims.present(person, claims.told_by_scopes(request.scopes, issuer.settings.scope_claims))
    answer = await hand_out(issuer, client, request, grant, about)
    if not await sessions.join(issuer, session, client.client_id):
        if answer.grant_id:
            await issuer.store.grants.revoke(answer.grant_id, session.subject)
        raise LoginRequired("The session has ended.")
    issuer.metrics.request("authorize", "ok")
    return deliver(issuer.url, verified_of(request), answer.fields)


async def hand_out(
    issuer: Issuer,
    client: Client,
    request: AuthorizationRequest,
    grant: Grant,
    about: Mapping[str, Any],
    lifetime: int = 0,
) -> Answer:
    """Code and tokens for a request that was allowed, to be delivered. ``about``: claims for an ID token that comes alone;
    ``lifetime``: of an access token in seconds, 0 = the client's. Raises AccessDenied, TemporarilyUnavailable.
    """
    record = AuthorizationCode(
        *(request.redirect_uri, request.redirect_uri_given),
        *(request.code_challenge, request.code_challenge_method, request.nonce),
    )
    try:
        return await answer_authorization(issuer, client, grant, request.response_type, record, about, lifetime)
    except InvalidGrant as error:
        raise AccessDenied("The user may not sign in.", log=error.log) from error


async def _claims_of(issuer: Issuer, request: AuthorizationRequest, session: Session) -> Mapping[str, Any]:
    """What is known about the person, where the answer needs it. Raises AccessDenied where they are no longer known."""
    if not request.claims.names and request.response_type.parts != {"id_token"}:
        return {}
    person = await issuer.directory.claims(session.subject, request.scopes)
    if person is None:
        raise AccessDenied("The user may not sign in.", log="user is disabled or unknown")
    return person


def _grant(
    issuer: Issuer, client: Client, request: AuthorizationRequest, session: Session, person: Mapping[str, Any]
) -> Grant:
    """The claims parameter tells only what a scope of the client's would tell, too, and the person has allowed."""
    allowed = claims.told_by_scopes(asked_scopes(issuer, client, request), issuer.settings.scope_claims)
    in_id_token, at_userinfo = (
        [name for name in claims.acceptable(person, wanted) if name in allowed]
        for wanted in (request.claims.id_token, request.claims.userinfo)
    )
    grant: Grant = msgspec.structs.replace(
        begun_grant(issuer, client, request, session.subject),
        username="" if session.username == session.subject else session.username,
        auth_time=session.auth_time,
        acr=session.acr,
        amr=session.amr,
        session=session.sid,
        userinfo_claims=tuple(at_userinfo),
        id_token_claims=claims.present(person, in_id_token),
    )
    return grant


def begun_grant(issuer: Issuer, client: Client, request: AuthorizationRequest, subject: str) -> Grant:
    """The grant that somebody gives by allowing a request: what follows from the request alone."""
    has_code = "code" in request.response_type.parts
    return Grant(
        client_id=client.client_id,
        subject=subject,
        scope=request.scope,
        grant_type=(GrantTypeName.AUTHORIZATION_CODE if has_code else GrantTypeName.IMPLICIT).value,
        client_generation=client.generation,
        issued_at=int(issuer.clock()),
        audience=request.audience,
    )


def verified_of(request: AuthorizationRequest) -> Verified:
    """Where the answer to a request goes."""
    return Verified(request.redirect_uri, request.redirect_uri_given, request.response_mode, request.state)
