"""Ending browser sessions, with what was granted in them, and notifying their clients; an interrupted end is resumed."""

import logging
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from service.hooks.facts import Revoked, about_revoked
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.credentials import new_grant_id
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.names import OFFLINE_ACCESS, HookEvent
from service.records.client import Client
from service.records.logout_delivery import LogoutDelivery
from service.records.session import Session
from service.tokens.id_tokens import subject_for

log = logging.getLogger(__name__)

_RESUMED_AFTER = 15
"""Seconds after which an interrupted end of a session is resumed, by whichever process is there."""


class EndedSessions(NamedTuple):
    """Exactly how much has ended."""

    grants: int = 0
    frames: tuple[str, ...] = ()
    """URLs that the browser has to load for front-channel logout."""
    sessions: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """Return the counts for logs, hooks and answers."""
        return {"grants_ended": self.grants, "sessions_ended": self.sessions}


async def end_session(issuer: Issuer, session: Session) -> EndedSessions:
    """End a session and what was granted in it, and notify its clients.

    Refresh tokens with the scope offline_access stay alive where the settings say so (OpenID Connect Back-Channel Logout 2.7).
    """
    ended = await _end_resumably(issuer, session.sid, session.subject, session.secret_hash)
    issuer.store.sessions.unindex_soon(session.subject, session.sid)
    log.info(Event.SESSION_ENDED, extra={"subject": session.subject, "sid": session.sid, **ended.counts})
    return ended


async def end_lapsed_session(issuer: Issuer, sid: str, subject: str) -> EndedSessions:
    """End what was granted in a session that has ended before (idle for too long), and notify its clients."""
    ended = await _end_resumably(issuer, sid, subject, "")
    if any(ended.counts.values()):
        log.info(Event.SESSION_ENDED, extra={"subject": subject, "sid": sid, **ended.counts})
    return ended


async def end_sessions_of(issuer: Issuer, subject: str, *, own_sid: str = "") -> EndedSessions:
    """End every session of a user with what was granted in it; of several concurrent calls each counts its own (P6).

    ``own_sid`` is the session of the browser that asks for it, "" = none: its frames are loaded there.
    """
    all_ended = await _end_by_sids(issuer, subject, await issuer.store.sessions.of_user(subject), own_sid)
    if any(all_ended.counts.values()):
        log.info(Event.SESSIONS_ENDED, extra={"subject": subject, **all_ended.counts})
    return all_ended


async def sign_out_everywhere(issuer: Issuer, subject: str, *, own_sid: str = "") -> EndedSessions:
    """End every session and grant of a user, and forget their consents. Return exactly how many of each (IA-40).

    ``own_sid`` is that of ``end_sessions_of``.
    """
    ended = await end_sessions_of(issuer, subject, own_sid=own_sid)
    await issuer.store.consents.forget(subject)  # first: otherwise a client could still get a grant without a question
    facts = about_revoked(Revoked.USER, "signed_out_everywhere", subject=subject)
    async with issuer.hooks.notifying(HookEvent.REVOKED, **facts) as notification:
        others = await issuer.store.grants.revoke_user(subject)
        ended = ended._replace(grants=ended.grants + others)
        notification.add(**ended.counts)
    log.info(Event.SIGNED_OUT_EVERYWHERE, extra={"subject": subject, **ended.counts})
    return ended


async def end_excess_sessions(issuer: Issuer, subject: str, sids: Sequence[str]) -> None:
    """End the oldest sessions of a user who has too many. Those that Redis does not end now are ended at the next login."""
    if not sids:
        return
    try:
        ended = await _end_by_sids(issuer, subject, sids)
    except TemporarilyUnavailable as error:
        log.warning(Event.SESSIONS_OVER_LIMIT_NOT_ENDED, extra={"subject": subject, "reason": error.log})
        return
    if ended.sessions:
        issuer.metrics.security_event(Event.SESSIONS_OVER_LIMIT)
        most = issuer.settings.sessions_per_user
        log.warning(
            Event.SESSIONS_OVER_LIMIT, extra={"subject": subject, "sids": list(sids), "most": most, **ended.counts}
        )


async def resume_ending(issuer: Issuer, ending: LogoutDelivery) -> None:
    """Resume the end of a session that was interrupted. Raises TemporarilyUnavailable.

    A session that a new login has renewed since stays alive, as a user whose sign-out failed would expect.
    """
    session = await issuer.store.sessions.get(ending.sid)
    if session is None or session.secret_hash == ending.session_hash:
        ended = await _end_with_grants(issuer, ending.sid, ending.subject)
        log.info(Event.SESSION_END_FINISHED, extra={"subject": ending.subject, "sid": ending.sid, **ended.counts})


async def _end_by_sids(issuer: Issuer, subject: str, sids: Sequence[str], own_sid: str = "") -> EndedSessions:
    grants = count = 0
    frames: tuple[str, ...] = ()
    for sid in sids:
        session = await issuer.store.sessions.get(sid)
        ended = await _end_resumably(issuer, sid, subject, session.secret_hash if session else "")
        issuer.store.sessions.unindex_soon(subject, sid)
        grants, count = grants + ended.grants, count + ended.sessions
        if sid == own_sid:  # those of another session are nothing to this browser
            frames = ended.frames
    return EndedSessions(grants, frames, count)


async def _end_resumably(issuer: Issuer, sid: str, subject: str, secret_hash: str) -> EndedSessions:
    """Queue the end, do it, and remove it from the queue: ``resume_ending`` resumes it if this is interrupted."""
    ending_id = new_grant_id(issuer.random_text)
    ending = LogoutDelivery.of_ending(subject, sid, secret_hash)
    about = {"session_id": sid, "subject": subject}
    revoked = about_revoked(Revoked.SESSION, "session_ended", **about)
    async with (
        issuer.hooks.notifying(HookEvent.LOGGED_OUT, **about) as logged_out,
        issuer.hooks.notifying(HookEvent.REVOKED, **revoked) as notification,
    ):
        await issuer.store.logouts.queue(ending_id, ending, int(issuer.clock()) + _RESUMED_AFTER)
        ended = await _end_with_grants(issuer, sid, subject)
        logged_out.add(**ended.counts)
        notification.add(**ended.counts)
        if not ended.grants:
            notification.cancel()
        if not any(ended.counts.values()):  # another call was first, and notifies
            logged_out.cancel()
    await issuer.store.logouts.drop(ending_id)
    return ended


async def _end_with_grants(issuer: Issuer, sid: str, subject: str) -> EndedSessions:
    """End the session first and its grants afterwards, so that no concurrent request slips through."""
    ended = await issuer.store.sessions.end(sid)
    spares = OFFLINE_ACCESS if issuer.settings.offline_access_outlives_session else ""
    grants = await issuer.store.grants.revoke_of_session(subject, sid, spares=spares)
    frames = []
    for client_id in ended.client_ids:
        client = await issuer.store.clients.get(client_id)
        if client is None or not client.enabled:
            continue
        await _queue_logout(issuer, client, sid, subject)
        if client.frontchannel_logout_uri:
            frames.append(_frame(issuer, client.frontchannel_logout_uri, sid))
    issuer.store.sessions.forget_clients_soon(sid)
    return EndedSessions(grants, tuple(frames), int(ended.was_alive))


async def _queue_logout(issuer: Issuer, client: Client, sid: str, subject: str) -> None:
    """Queue a back-channel logout (OpenID Connect Back-Channel Logout 2.5)."""
    if client.backchannel_logout_uri is None or issuer.keyring is None:
        return
    delivery = LogoutDelivery(client.client_id, subject_for(issuer, client, subject), sid)
    await issuer.store.logouts.queue(new_grant_id(issuer.random_text), delivery, int(issuer.clock()))


def _frame(issuer: Issuer, uri: str, sid: str) -> str:
    """Return the registered URI with ``iss`` and ``sid`` (OpenID Connect Front-Channel Logout 2)."""
    separator = "&" if "?" in uri else "?"
    return uri + separator + urlencode({"iss": issuer.url, "sid": sid}, quote_via=quote)
