"""Browser sessions: begun and renewed by signing in, strengthened by further steps, ended with all that hangs on them."""

import hmac
import logging
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from service.directory import Person
from service.hooks.facts import Revoked, about_login, about_revoked
from service.issuer import Issuer
from service.login.acr import acr_of
from service.login.interaction import StaleError
from service.observe.events import Event
from service.protocol import credentials
from service.protocol.credentials import Kind, hashed, new_credential, new_grant_id
from service.protocol.errors import AccessDenied, TemporarilyUnavailable
from service.protocol.names import OFFLINE_ACCESS, HookEvent
from service.records.client import Client
from service.records.logout_delivery import LogoutDelivery
from service.records.session import Session
from service.tokens.id_tokens import subject_for

log = logging.getLogger(__name__)

ENDING = ""
"""In the place of the client of a delivery: nobody is notified, but the session's end is to be finished."""
_FINISHED_AFTER = 15
"""Seconds after which the end of a session that was cut off is taken up again, by whichever process is there."""
_EXTEND_AFTER = 60
"""Seconds of use after which a session's idle lifetime begins anew."""


class SignedIn(NamedTuple):
    """A session that has just begun or changed."""

    session: Session
    cookie: str
    """Its secret, only here and only now."""


class Ended(NamedTuple):
    """Exactly how much has ended."""

    grants: int = 0
    frames: tuple[str, ...] = ()
    """URLs that the browser is to load for front-channel logout."""
    sessions: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """As logs, hooks and answers have them."""
        return {"grants_ended": self.grants, "sessions_ended": self.sessions}


async def read(issuer: Issuer, cookie: str) -> Session | None:
    """Return the session that a cookie belongs to, if it is alive; used, it lives on. One round trip."""
    presented = credentials.parse(cookie)
    if presented is None or presented.kind is not Kind.SESSION_COOKIE:
        return None
    session = await issuer.store.sessions.get(presented.grant_id)
    if session is None or not hmac.compare_digest(session.secret_hash, presented.hash):
        return None
    now = int(issuer.clock())
    if now - session.used_at >= _EXTEND_AFTER:
        session = msgspec.structs.replace(session, used_at=now)
        issuer.store.sessions.extend_soon(session, _ends_at(issuer, session))
    return session


async def sign_in(
    issuer: Issuer,
    person: Person,
    previous: Session | None,
    *,
    amr: tuple[str, ...],
    address: str = "",
    client_id: str = "",
) -> SignedIn:
    """Begin a session, or renew the one that this user has at this browser, with a fresh cookie; that of another user ends.

    ``amr`` says how they proved who they are (RFC 8176); ``client_id`` is of the client that they came from, "" = none.

    Raises:
        AccessDenied: The user is disabled, got another password meanwhile, or a hook says no.
        TemporarilyUnavailable: Redis is.
    """
    facts = about_login(person.subject, person.username, address, how="browser", client_id=client_id)
    await issuer.hooks.check_login(facts)
    if previous is not None and previous.subject != person.subject:
        await end(issuer, previous)
        previous = None
    for renewed in dict.fromkeys((previous, None)):
        signed = _make(issuer, person, renewed, amr)
        session = signed.session
        ends = _ends_at(issuer, session), _latest_end(issuer, session)
        kept = await issuer.store.sessions.keep(session, renewed, *ends)
        if kept.is_kept:
            await _check_proof(issuer, person, session)
            await _end_excess(issuer, person.subject, kept.excess)
            sid, is_renewed = session.sid, renewed is not None
            await issuer.hooks.notify(HookEvent.LOGGED_IN, **facts, session_id=sid, renewed=is_renewed)
            return signed
    raise AccessDenied("The user may not sign in.", log="user is disabled")


async def strengthen(issuer: Issuer, session: Session, amr: tuple[str, ...]) -> SignedIn:
    """Add to a session what its user has proved besides; the cookie is a fresh one.

    Raises:
        StaleError: The session has ended, or was renewed meanwhile.
        TemporarilyUnavailable: Redis is.
    """
    cookie = new_credential(Kind.SESSION_COOKIE, session.sid, issuer.randomness)
    held = tuple(dict.fromkeys((*session.amr, *amr)))
    stronger = msgspec.structs.replace(
        session, secret_hash=hashed(cookie), used_at=int(issuer.clock()), acr=acr_of(issuer.settings, held), amr=held
    )
    ends = _ends_at(issuer, stronger), _latest_end(issuer, stronger)
    kept = await issuer.store.sessions.keep(stronger, session, *ends)
    if not kept.is_kept:
        raise StaleError
    return SignedIn(stronger, cookie)


async def join(issuer: Issuer, session: Session, client_id: str) -> bool:
    """Remember that a client got something in this session; False where it has ended.

    Call it after a grant is written, and end that grant on False: whoever ends a session deletes it first and looks for its
    grants afterwards (P6).
    """
    return await issuer.store.sessions.join(session.sid, client_id)


async def end(issuer: Issuer, session: Session) -> Ended:
    """End a session and what was granted in it, and tell its clients.

    Refresh tokens with the scope offline_access live on where the settings say so (OpenID Connect Back-Channel Logout 2.7).
    """
    ended = await _end_surely(issuer, session.sid, session.subject, session.secret_hash)
    issuer.store.sessions.unindex_soon(session.subject, session.sid)
    log.info(Event.SESSION_ENDED, extra={"subject": session.subject, "sid": session.sid, **ended.counts})
    return ended


async def end_remains(issuer: Issuer, sid: str, subject: str) -> Ended:
    """End what was granted in a session whose record has ended before (idle for too long), and tell its clients."""
    ended = await _end_surely(issuer, sid, subject, "")
    if any(ended.counts.values()):
        log.info(Event.SESSION_ENDED, extra={"subject": subject, "sid": sid, **ended.counts})
    return ended


async def end_all(issuer: Issuer, subject: str) -> Ended:
    """End every session of a user with what was granted in it; of several who do so at once each counts its own (P6)."""
    all_ended = await _end_each(issuer, subject, await issuer.store.sessions.of_user(subject))
    if any(all_ended.counts.values()):
        log.info(Event.SESSIONS_ENDED, extra={"subject": subject, **all_ended.counts})
    return all_ended


async def sign_out_everywhere(issuer: Issuer, subject: str) -> Ended:
    """End every session and every grant of a user, and forget what they allowed; exactly how many of each (IA-40)."""
    ended = await end_all(issuer, subject)
    await issuer.store.consents.forget(subject)  # first: else a client could ask silently meanwhile
    facts = about_revoked(Revoked.USER, "signed_out_everywhere", subject=subject)
    async with issuer.hooks.notifying(HookEvent.REVOKED, **facts) as notification:
        others = await issuer.store.grants.revoke_user(subject)
        ended = Ended(ended.grants + others, sessions=ended.sessions)
        notification.add(**ended.counts)
    log.info(Event.SIGNED_OUT_EVERYWHERE, extra={"subject": subject, **ended.counts})
    return ended


async def finish_ending(issuer: Issuer, ending: LogoutDelivery) -> None:
    """End what hangs on a session whose end was cut off. Raises TemporarilyUnavailable.

    One that was renewed since by a new login goes on, as a user to whom signing out had failed would expect.
    """
    session = await issuer.store.sessions.get(ending.sid)
    if session is None or session.secret_hash == ending.session_hash:
        ended = await _finish(issuer, ending.sid, ending.subject)
        log.info(Event.SESSION_END_FINISHED, extra={"subject": ending.subject, "sid": ending.sid, **ended.counts})


async def _end_each(issuer: Issuer, subject: str, sids: Sequence[str]) -> Ended:
    grants = count = 0
    for sid in sids:
        session = await issuer.store.sessions.get(sid)
        ended = await _end_surely(issuer, sid, subject, session.secret_hash if session else "")
        issuer.store.sessions.unindex_soon(subject, sid)
        grants, count = grants + ended.grants, count + ended.sessions
    return Ended(grants, sessions=count)


async def _end_excess(issuer: Issuer, subject: str, sids: Sequence[str]) -> None:
    """End the oldest sessions of a user who has too many. What Redis keeps from being ended is so by the next login."""
    if not sids:
        return
    try:
        ended = await _end_each(issuer, subject, sids)
    except TemporarilyUnavailable as error:
        log.warning(Event.SESSIONS_OVER_LIMIT_NOT_ENDED, extra={"subject": subject, "reason": error.log})
        return
    if ended.sessions:
        issuer.metrics.security_event(Event.SESSIONS_OVER_LIMIT)
        most = issuer.settings.sessions_per_user
        log.warning(
            Event.SESSIONS_OVER_LIMIT, extra={"subject": subject, "sids": list(sids), "most": most, **ended.counts}
        )


def _make(issuer: Issuer, person: Person, renewed: Session | None, amr: tuple[str, ...]) -> SignedIn:
    now = int(issuer.clock())
    sid = renewed.sid if renewed else new_grant_id(issuer.randomness)
    cookie = new_credential(Kind.SESSION_COOKIE, sid, issuer.randomness)
    session = Session(
        sid=sid,
        secret_hash=hashed(cookie),
        subject=person.subject,
        username=person.username,
        started_at=now,
        auth_time=now,
        used_at=now,
        acr=acr_of(issuer.settings, amr),
        amr=amr,
    )
    return SignedIn(session, cookie)


async def _check_proof(issuer: Issuer, person: Person, session: Session) -> None:
    """Raise AccessDenied where the password was changed meanwhile.

    That ends the sessions that there are afterwards, so a login by the old one that is under way ends here or there (P6).
    """
    if not person.proved_by:
        return
    user = await issuer.store.users.get(person.username)
    if user is None or user.password_hash != person.proved_by:
        await end(issuer, session)
        raise AccessDenied("The user may not sign in.", log="the password was changed meanwhile")


def _ends_at(issuer: Issuer, session: Session) -> int:
    """Idle or absolute limit, whichever is first; epoch seconds."""
    return min(session.used_at + issuer.settings.session_idle_lifetime, _latest_end(issuer, session))


def _latest_end(issuer: Issuer, session: Session) -> int:
    """The absolute limit, epoch seconds."""
    return session.started_at + issuer.settings.session_lifetime


async def _end_surely(issuer: Issuer, sid: str, subject: str, secret_hash: str) -> Ended:
    """Write down what is to be done, do it, cross it out: what is cut off in the middle is finished by ``finish_ending``."""
    ending_id = new_grant_id(issuer.randomness)
    ending = LogoutDelivery(ENDING, subject, sid, session_hash=secret_hash)
    about = {"session_id": sid, "subject": subject}
    revoked = about_revoked(Revoked.SESSION, "session_ended", **about)
    async with (
        issuer.hooks.notifying(HookEvent.LOGGED_OUT, **about) as logged_out,
        issuer.hooks.notifying(HookEvent.REVOKED, **revoked) as notification,
    ):
        await issuer.store.logouts.queue(ending_id, ending, int(issuer.clock()) + _FINISHED_AFTER)
        ended = await _finish(issuer, sid, subject)
        logged_out.add(**ended.counts)
        notification.add(**ended.counts)
        if not ended.grants:
            notification.cancel()
        if not any(ended.counts.values()):  # another call was first, and notifies of it
            logged_out.cancel()
    await issuer.store.logouts.drop(ending_id)
    return ended


async def _finish(issuer: Issuer, sid: str, subject: str) -> Ended:
    """Nothing that is under way can slip through: the session goes first, its grants afterwards."""
    ended = await issuer.store.sessions.end(sid)
    spares = OFFLINE_ACCESS if issuer.settings.offline_access_outlives_session else ""
    grants = await issuer.store.grants.revoke_of_session(subject, sid, spares=spares)
    frames = []
    for client_id in ended.client_ids:
        client = await issuer.store.clients.get(client_id)
        if client is None or not client.enabled:
            continue
        await _tell(issuer, client, sid, subject)
        if client.frontchannel_logout_uri:
            frames.append(_frame(issuer, client.frontchannel_logout_uri, sid))
    issuer.store.sessions.forget_clients_soon(sid)
    return Ended(grants, tuple(frames), int(ended.was_alive))


async def _tell(issuer: Issuer, client: Client, sid: str, subject: str) -> None:
    """Queue a back-channel logout (OpenID Connect Back-Channel Logout 2.5)."""
    if client.backchannel_logout_uri is None or issuer.keyring is None:
        return
    delivery = LogoutDelivery(client.client_id, subject_for(issuer, client, subject), sid)
    await issuer.store.logouts.queue(new_grant_id(issuer.randomness), delivery, int(issuer.clock()))


def _frame(issuer: Issuer, uri: str, sid: str) -> str:
    """OpenID Connect Front-Channel Logout 2: the registered URI with ``iss`` and ``sid``."""
    separator = "&" if "?" in uri else "?"
    return uri + separator + urlencode({"iss": issuer.url, "sid": sid}, quote_via=quote)
