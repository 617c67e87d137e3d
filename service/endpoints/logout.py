"""Signing out: OpenID Connect RP-Initiated Logout 1.0, and the page of ours that anybody can come to."""

from typing import NamedTuple
from urllib.parse import quote, urlencode

from service import sessions
from service.client_display import client_values
from service.endpoints.browser_session import (
    carries_session_csrf,
    failed,
    session_csrf,
    session_of,
    stale,
)
from service.id_tokens import Hint, read_hint, subject_for
from service.issuer import Issuer
from service.protocol.authorization_request import MAX_STATE
from service.protocol.browsing import Page, Redirect, Reply, Visit
from service.protocol.errors import InvalidRequest, ProtocolError
from service.records.client import Client
from service.records.session import Session

NAME = "logout"
PATH = "/logout"


class _Asked(NamedTuple):
    """What a client asks for. ``client``: None where no valid hint names one; ``hint``: likewise; ``back``: where to go
    afterwards, "" = nowhere.
    """

    client: Client | None
    hint: Hint | None
    back: str


async def decide(issuer: Issuer, visit: Visit) -> Reply:
    """With an ID token of this very session it ends at once; else the person is asked, and nobody is redirected.

    ``post_logout_redirect_uri`` is compared as a string, and believed only with a valid ``id_token_hint``.
    """
    languages = tuple(visit.parameters.get("ui_locales", "")[:200].split())
    try:
        session = await session_of(issuer, visit)
        if visit.is_post and "decision" in visit.parameters:
            return await _decided(issuer, visit, session, languages)
        asked = await _asked(issuer, visit)
        if session is not None and not _is_about(issuer, asked, session):
            values = {
                "csrf": session_csrf(visit, PATH),
                "username": session.username,
                "client": client_values(issuer.settings, asked.client),
            }
            return Reply(Page("logout", values), languages=languages)
        return await _ended(issuer, session, asked, languages)
    except ProtocolError as error:
        issuer.metrics.refusal(NAME, error.error)
        return Reply(failed(error), languages=languages)


async def _decided(issuer: Issuer, visit: Visit, session: Session | None, languages: tuple[str, ...]) -> Reply:
    """What the person said on the confirmation page. Only that page knows the word that it carries."""
    if session is None:
        return Reply(_signed_out(), session="", languages=languages)
    if not carries_session_csrf(visit, PATH):
        return Reply(stale())
    if visit.parameters["decision"] != "logout":
        return Reply(Page("stayed", {"username": session.username}), languages=languages)
    return await _ended(issuer, session, _Asked(None, None, ""), languages)


async def _ended(issuer: Issuer, session: Session | None, asked: _Asked, languages: tuple[str, ...]) -> Reply:
    frames: tuple[str, ...] = ()
    if session is not None:
        frames = (await sessions.end(issuer, session)).frames
        issuer.metrics.request(NAME, "ok")
    if asked.back and not frames:
        return Reply(Redirect(asked.back), session="")
    return Reply(_signed_out(frames, asked.back, asked.client), session="", languages=languages)


async def _asked(issuer: Issuer, visit: Visit) -> _Asked:
    """The client and where it wants to go back to. Raises InvalidRequest for a redirect that may not be."""
    form = visit.parameters
    hint = await read_hint(issuer, form["id_token_hint"]) if "id_token_hint" in form else None
    client = await _client_of(issuer, hint, form.get("client_id"))
    back = form.get("post_logout_redirect_uri")
    if client is None or hint is None:
        if hint is None and "id_token_hint" not in form and back and "client_id" in form:
            await _check_named(issuer, form["client_id"], back)
        return _Asked(None, None, "")
    if back is None:
        return _Asked(client, hint, "")
    if back not in client.post_logout_redirect_uris:
        raise InvalidRequest("post_logout_redirect_uri is not registered for this client.")
    state = form.get("state", "")[:MAX_STATE]
    separator = "&" if "?" in back else "?"
    return _Asked(client, hint, back + (separator + urlencode({"state": state}, quote_via=quote) if state else ""))


async def _check_named(issuer: Issuer, client_id: str, back: str) -> None:
    """Without a hint nobody is redirected; an address that the named client never registered is refused all the same."""
    client = await issuer.store.clients.get(client_id) if len(client_id) <= 255 else None
    if client is None or back not in client.post_logout_redirect_uris:
        raise InvalidRequest("post_logout_redirect_uri is not registered for this client.")


async def _client_of(issuer: Issuer, hint: Hint | None, named: str | None) -> Client | None:
    """The client that got the ID token, if it is the one that is named (RP-Initiated Logout 2)."""
    if hint is None or (named is not None and named != hint.client_id):
        return None
    client = await issuer.store.clients.get(hint.client_id)
    return client if client is not None and client.enabled else None


def _is_about(issuer: Issuer, asked: _Asked, session: Session) -> bool:
    """Whether the hint is of this session, and so of this person."""
    if asked.hint is None or asked.client is None:
        return False
    return asked.hint.sid == session.sid and asked.hint.subject == subject_for(issuer, asked.client, session.subject)


def _signed_out(frames: tuple[str, ...] = (), back: str = "", client: Client | None = None) -> Page:
    return Page(
        "signed_out",
        {"frames": list(frames), "continue_to": back, "client": None, "everywhere": False},
    )
