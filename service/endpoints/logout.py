"""Signing out: OpenID Connect RP-Initiated Logout 1.0, and our own page for everybody."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from service.endpoints.browser_session import (
    carries_session_csrf,
    failed,
    form_of,
    session_csrf,
    stale,
    way,
)
from service.endpoints.endpoint import BrowserEndpoint, always
from service.issuer import Issuer
from service.login import hinted_session, sessions
from service.login.client_display import client_values
from service.login.ending_sessions import EndedSessions
from service.login.error_response import is_trusted
from service.login.hinted_session import Named
from service.login.repeated_forms import answer_once, earlier_answer
from service.observe.current import note_client
from service.protocol.authorization_request import MAX_STATE
from service.protocol.browsing import Page, Redirect, Reply, Visit
from service.protocol.errors import InvalidRequest, ProtocolError
from service.records.client import Client
from service.records.session import Session
from service.tokens.id_tokens import Hint, read_hint, subject_for

NAME = "logout"
PATH = "/logout"
_OF_A_CLIENT = ("client_id", "post_logout_redirect_uri", "state", "ui_locales")
"""Further parameters of a request: carried along where it is repeated, or waits for the user's yes."""


class _LogoutRequest(NamedTuple):
    """A logout request of a client."""

    client: Client | None = None
    """None where neither a hint nor a registered address names one."""
    hint: Hint | None = None
    """The valid hint."""
    back: str = ""
    """Where to go afterwards, "" = nowhere."""
    misdirected: bool = False
    """Whether the address is not registered."""
    unusable: bool = False
    """Whether a hint came that is invalid."""


async def decide(issuer: Issuer, visit: Visit) -> Reply:
    """End the session, or the grant outside one, that a valid ID token as hint names, whether its cookie is here or not.

    Any other session of this browser ends when the user confirms it. ``post_logout_redirect_uri`` is compared as a string, and
    accepted with a valid ``id_token_hint``, or with a ``client_id`` and the user's yes.
    """
    languages = tuple(visit.parameters.get("ui_locales", "")[:200].split())
    try:
        session = await sessions.read(issuer, visit.session)
        if visit.is_post and "decision" in visit.parameters:
            return await _confirmed(issuer, visit, session, languages)
        request = await _read_request(issuer, visit)
        hint, client = request.hint, request.client
        named = await hinted_session.named_by(issuer, client, hint) if client and hint else None
        ended = await _end(issuer, named) if named is not None else EndedSessions()
        if not any(ended.counts.values()) and _cookies_may_be_missing(visit):
            # Repeat it with the cookies; without the hint, whose session has ended, or which is invalid.
            return Reply(Redirect(_path_with(issuer, _taken_along(visit, request))))
        if session is not None and (named is None or named.sid != session.sid):
            return Reply(_confirmation(issuer, visit, request, session), languages=languages)
        return _ended(issuer, visit, request, ended, languages, knowingly=session is not None)
    except ProtocolError as error:
        issuer.refusals.record(NAME, error)
        return Reply(failed(error), languages=languages)


async def _confirmed(issuer: Issuer, visit: Visit, session: Session | None, languages: tuple[str, ...]) -> Reply:
    """Take the answer of the confirmation page, whose mark it has to carry."""
    if session is None and _cookies_may_be_missing(visit):
        return Reply(_stale(issuer, visit))
    if session is not None and not carries_session_csrf(visit, PATH):
        return Reply(_stale(issuer, visit))
    if session is not None and visit.parameters["decision"] != "logout":
        return Reply(Page("stayed", {"username": session.username}), languages=languages)
    form = form_of(NAME, visit, of_session=True)
    done = await answer_once(issuer, form, lambda: _sign_out(issuer, visit, session, languages)) if session else None
    return done or await earlier_answer(issuer, form) or await _sign_out(issuer, visit, session, languages)


async def _sign_out(issuer: Issuer, visit: Visit, session: Session | None, languages: tuple[str, ...]) -> Reply:
    request = await _read_request(issuer, visit)
    named = Named(session.subject, session.sid, "", session) if session is not None else None
    ended = await _end(issuer, named) if named is not None else EndedSessions()
    return _ended(issuer, visit, request, ended, languages, knowingly=session is not None)


def _stale(issuer: Issuer, visit: Visit) -> Page:
    """Return the error page, with a link to the page as it is now."""
    again = {name: visit.parameters[name] for name in _OF_A_CLIENT if name in visit.parameters}
    return stale(way("continue", _path_with(issuer, again)))


async def _end(issuer: Issuer, named: Named) -> EndedSessions:
    ended = await hinted_session.end(issuer, named)
    issuer.metrics.request(NAME, "ok")
    return ended


def _ended(
    issuer: Issuer,
    visit: Visit,
    request: _LogoutRequest,
    ended: EndedSessions,
    languages: tuple[str, ...],
    *,
    knowingly: bool,
) -> Reply:
    """Lead a signed-out user back to the client. Where nothing has ended, the page does not claim it.

    ``knowingly``: the user had a session here, and its client or they themselves ended it; otherwise the browser is not sent to
    an address that no operator has registered (RFC 9700 4.11.2).
    """
    cookie = "" if visit.session else None
    is_done = knowingly or any(ended.counts.values())
    automatic = request.client is not None and (knowingly or is_trusted(issuer, request.client))
    if request.back and automatic and not ended.frames:
        return Reply(Redirect(request.back), session=cookie)
    values = {
        "frames": list(ended.frames),
        "continue_to": request.back,
        "automatic": automatic,
        "client": client_values(issuer.settings, request.client, request.back),
        "everywhere": False,
        "misdirected": request.misdirected,
        "done": is_done,
        "unusable": request.unusable,
    }
    status = 400 if request.unusable and not is_done else 200
    return Reply(Page("signed_out", values, status), session=cookie, languages=languages)


def _confirmation(issuer: Issuer, visit: Visit, request: _LogoutRequest, session: Session) -> Page:
    """Ask whether the user wants to sign out.

    The way back is in the form, and is checked again; there is none where the hint is another user's ID token.
    """
    hint, client = request.hint, request.client
    theirs = hint is None or client is None or hint.subject == subject_for(issuer, client, session.subject)
    values = {
        "csrf": session_csrf(visit, PATH),
        "username": session.username,
        "client": client_values(issuer.settings, request.client),
        "back": _taken_along(visit, request) if theirs else {},
    }
    return Page("logout", values)


def _cookies_may_be_missing(visit: Visit) -> bool:
    """Whether a POST may lack our cookies: from a client's site (SameSite=Lax) it does, whether a user is signed in or not."""
    return visit.is_post and not visit.session and not visit.browser


def _path_with(issuer: Issuer, query: Mapping[str, str]) -> str:
    return f"{issuer.settings.issuer_path}{PATH}" + (f"?{urlencode(query)}" if query else "")


def _taken_along(visit: Visit, request: _LogoutRequest) -> dict[str, str]:
    """Return the parameters by which the way back is found and checked again; nothing where there is none."""
    if request.client is None or not request.back:
        return {}
    said = {name: visit.parameters[name] for name in _OF_A_CLIENT if name in visit.parameters}
    return {**said, "state": said.get("state", "")[:MAX_STATE], "client_id": request.client.client_id}


async def _read_request(issuer: Issuer, visit: Visit) -> _LogoutRequest:
    """Return the client and where it wants to go back to. Raises InvalidRequest for an invalid redirect without a hint."""
    form = visit.parameters
    given, back, named = form.get("id_token_hint"), form.get("post_logout_redirect_uri"), form.get("client_id")
    sender = await issuer.store.clients.get(named) if given is not None and named is not None else None
    hint = None if given is None else await read_hint(issuer, given, sender)  # by whose secret it may be encrypted
    client = await _client_of(issuer, hint, named)
    if client is not None and hint is not None:
        registered = back is not None and back in client.post_logout_redirect_uris
        where = _with_state(back, form) if back is not None and registered else ""
        return _LogoutRequest(client, hint, where, misdirected=back is not None and not registered)
    if given is not None or back is None or named is None:
        return _LogoutRequest(unusable=given is not None)
    client = await issuer.store.clients.get(named)
    if client is not None:
        note_client(client.client_id)
    if client is None or not client.enabled or back not in client.post_logout_redirect_uris:
        raise InvalidRequest("post_logout_redirect_uri is not registered for this client.")
    return _LogoutRequest(client, None, _with_state(back, form))


def _with_state(back: str, form: Mapping[str, str]) -> str:
    state = form.get("state", "")[:MAX_STATE]
    separator = "&" if "?" in back else "?"
    return back + (separator + urlencode({"state": state}, quote_via=quote) if state else "")


async def _client_of(issuer: Issuer, hint: Hint | None, named: str | None) -> Client | None:
    """Return the client that got the ID token, if it is the named one (RP-Initiated Logout 2)."""
    if hint is None:
        return None
    client = await issuer.store.clients.get(hint.client_id)
    if client is not None:
        note_client(client.client_id)
    if client is None or not client.enabled:
        return None
    return client if named in (None, client.client_id, client.alias) else None


def _metadata(issuer: Issuer) -> dict[str, object]:
    """Return members of discovery; none without keys, as there are no ID tokens as hints, and no logout tokens."""
    if issuer.keyring is None:
        return {}
    return {
        "end_session_endpoint": issuer.url_of(PATH),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
    }


ENDPOINT = BrowserEndpoint(name=NAME, paths=always(PATH), metadata=_metadata, handle=decide, head=False)
