"""Questions: what a person must be asked before an authorization request can be answered; asked, resumed, answered.

A question waits under a ticket and goes through stages (IA-29 to IA-32): new → select_account → login:n → permission → done.
Which one is next follows from the request, the session and what was allowed before; a stage that is not the next one cannot
be answered. Pages answer questions in the browser front; nothing here knows HTML.
"""

import hmac
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from service import consents, sessions
from service.consents import asked_scopes
from service.id_tokens import read_hint, subject_for
from service.issuer import Issuer
from service.issuing import Answer, answer_authorization
from service.protocol import claims, redirect_uris
from service.protocol.authorization_request import AuthorizationRequest, Verified
from service.protocol.authorization_response import deliver
from service.protocol.browsing import FormPost, Page, Redirect
from service.protocol.credentials import base64url, hashed
from service.protocol.errors import (
    AccessDenied,
    AccountSelectionRequired,
    ConsentRequired,
    InvalidGrant,
    InvalidRequest,
    LoginRequired,
    ProtocolError,
)
from service.protocol.names import GrantTypeName, Prompt
from service.records.authorization_code import AuthorizationCode
from service.records.client import Client
from service.records.grant import Grant
from service.records.question import Question, Stage
from service.records.session import Session
from service.redirecting import send_error

log = logging.getLogger(__name__)

LOGIN_PATH, CONSENT_PATH = "/login", "/consent"
_PAGES = {Stage.LOGIN: LOGIN_PATH, Stage.SELECT_ACCOUNT: LOGIN_PATH, Stage.PERMISSION: CONSENT_PATH}
_WITHOUT_ASKING = {
    Stage.LOGIN: LoginRequired,
    Stage.SELECT_ACCOUNT: AccountSelectionRequired,
    Stage.PERMISSION: ConsentRequired,
}


class Asked(NamedTuple):
    """A question as a browser resumed it. ``question``: what of it holds in the session at hand; ``client``: None where it is
    about our own pages; ``kept``: the question as it lies in the store, with what others proved and allowed.
    """

    ticket: str
    question: Question
    client: Client | None
    kept: Question


class StaleError(Exception):
    """The form was sent already, out of order, too late, or not by us: nothing is changed."""


class OtherBrowserError(Exception):
    """The question was put to another browser, or this one keeps no cookies."""


# asking


async def begin(
    issuer: Issuer, client: Client, request: AuthorizationRequest, session: Session | None, browser: str
) -> Redirect | FormPost:
    """Answer a request, or ask the person first: where to go next. ``browser``: the cookie that the question is tied to.

    Raises LoginRequired, ConsentRequired, AccountSelectionRequired where prompt=none and somebody would have to be asked,
    InvalidRequest for a hint that is none, TemporarilyUnavailable.
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
    return await _ask(issuer, question, stage)


async def begin_for_page(issuer: Issuer, path: str, browser: str) -> Redirect:
    """Let somebody sign in who wants to see one of our own pages."""
    return await _ask(issuer, Question(hashed(browser), int(issuer.clock()), return_to=path), Stage.LOGIN)


async def resume(issuer: Issuer, ticket: str, browser: str, session: Session | None) -> Asked:
    """The question behind a ticket, as far as it got in this session. Raises StaleError, OtherBrowserError."""
    question = await issuer.store.tickets.get(ticket) if ticket.isascii() and len(ticket) <= 64 else None
    if question is None or question.asks is Stage.DONE:
        raise StaleError
    if not browser or not hmac.compare_digest(hashed(browser), question.browser_hash):
        raise OtherBrowserError
    if question.request is None:
        return Asked(ticket, question.seen_in(session), None, question)
    client = await issuer.store.clients.get(question.request.client_id)
    if client is None or not stands(client, question.client_generation, question.request):
        raise StaleError
    return Asked(ticket, question.seen_in(session), client, question)


async def advance(issuer: Issuer, asked: Asked, session: Session | None, **changes: Any) -> Asked:
    """The question with these changes, which are of this session. Of several who make the same change at once one succeeds:
    ``answer`` tells a form that is sent twice from a command that is sent twice. Raises StaleError where somebody else changed
    it meanwhile.
    """
    asked = asked._replace(question=asked.question.seen_in(session))
    return await _change(issuer, asked, **changes, answer=base64url(issuer.randomness(16)))


async def go_on(issuer: Issuer, asked: Asked, session: Session | None) -> Redirect | FormPost | Page:
    """The next page, or the answer to the client. Raises StaleError, TemporarilyUnavailable."""
    asked = asked._replace(question=asked.question.seen_in(session))
    if asked.question.proved_at and session and not _is_expected(issuer, asked.client, asked.question, session):
        return await refuse(
            issuer, asked, LoginRequired("Somebody else signed in than the one who was named."), session
        )
    stage = await next_stage(issuer, asked.client, asked.question, session)
    if stage is not Stage.DONE or session is None:
        moved = await _change(issuer, asked, stage=_numbered(stage, asked.question))
        return _page(issuer, asked.ticket, moved.question.asks)
    done = await _finish(issuer, asked)
    if done.client is None:
        return Redirect(done.question.return_to)
    try:
        return await _answer(issuer, done.client, done.question, session)
    except ProtocolError as error:
        return answer_error(issuer, done, error, session)


async def refuse(
    issuer: Issuer, asked: Asked, error: ProtocolError, session: Session | None
) -> Redirect | FormPost | Page:
    """Close a question with an error for the client. Raises StaleError."""
    return answer_error(issuer, await _finish(issuer, asked), error, session)


def answer_error(
    issuer: Issuer, asked: Asked, error: ProtocolError, session: Session | None
) -> Redirect | FormPost | Page:
    """The error on its way to the client; without one, back to our own page. ``session``: of who was asked."""
    client, request = asked.client, asked.question.request
    if client is None or request is None:
        return Redirect(issuer.settings.issuer_path + "/")
    log.info("authorization_refused", extra={"client_id": request.client_id, "error": error.error, "reason": error.log})
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


def csrf_of(asked: Asked, browser: str, session: Session | None) -> str:
    """What a form of this very stage carries: nobody can know it who doesn't hold the browser's cookie, and it is worth
    nothing at another stage or for somebody else's session.
    """
    told = "\0".join(
        (asked.ticket, asked.question.stage, session.sid if session else "", session.subject if session else "")
    )
    return base64url(hmac.digest(browser.encode(), told.encode(), "sha256"))


def check_csrf(asked: Asked, browser: str, session: Session | None, shown: str) -> None:
    """Raises StaleError."""
    if not hmac.compare_digest(csrf_of(asked, browser, session).encode(), shown.encode()):
        raise StaleError


# how it is done


def stands(client: Client, generation: int, request: AuthorizationRequest) -> bool:
    """Whether the client might ask today what it asked: it may have been changed while a person was away. ``generation``: of
    the client when it asked.
    """
    try:
        redirect_uris.resolve(request.redirect_uri, client.redirect_uris)
    except InvalidRequest:
        return False
    return (
        client.enabled
        and client.generation == generation
        and request.response_type in client.response_types
        and set(request.scopes) <= set(client.scopes)
        and set(request.audience) <= set(client.audiences)
    )


async def _ask(issuer: Issuer, question: Question, stage: Stage) -> Redirect:
    ticket = base64url(issuer.randomness(16))
    asked: Question = msgspec.structs.replace(question, stage=_numbered(stage, question))
    await issuer.store.tickets.keep(ticket, asked, issuer.settings.ticket_lifetime)
    return _page(issuer, ticket, stage)


def _numbered(stage: Stage, question: Question) -> str:
    """``login:1`` for the first attempt (IA-30); the number stays while a wrong password has not raised it."""
    return f"{stage}:{question.attempt or 1}" if stage is Stage.LOGIN else stage.value


def _page(issuer: Issuer, ticket: str, stage: Stage) -> Redirect:
    return Redirect(f"{issuer.settings.issuer_path}{_PAGES[stage]}?{urlencode({'ticket': ticket})}")


async def _change(issuer: Issuer, asked: Asked, **changes: Any) -> Asked:
    changed: Question = msgspec.structs.replace(asked.question, **changes)
    if changed == asked.question:
        return asked
    if not await issuer.store.tickets.advance(asked.ticket, asked.kept, changed):
        raise StaleError
    return asked._replace(question=changed, kept=changed)


async def _finish(issuer: Issuer, asked: Asked) -> Asked:
    """Nobody else can answer it from here on."""
    return await _change(issuer, asked, stage=Stage.DONE.value, answer=base64url(issuer.randomness(16)))


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
    wanted = asked.values[0] if asked and asked.values else ""
    return wanted if isinstance(wanted, str) else ""


def _is_expected(issuer: Issuer, client: Client | None, question: Question, session: Session) -> bool:
    if client is None or not question.expects:
        return True
    return subject_for(issuer, client, session.subject) == question.expects


def _must_prove(
    issuer: Issuer, client: Client, question: Question, request: AuthorizationRequest, session: Session
) -> bool:
    """Whether a session is not enough: asked for anew, too old, or somebody else's (OpenID Connect Core 3.1.2.3).

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
