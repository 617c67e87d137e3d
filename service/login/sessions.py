"""Browser sessions: begun and renewed by signing in, strengthened by further steps. How they end is ``ending_sessions``."""

import hmac
import logging
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from service.directory import Person
from service.hooks.facts import about_login
from service.issuer import Issuer
from service.login.acr import acr_of
from service.login.ending_sessions import end_excess_sessions, end_session
from service.login.interaction import StaleError
from service.protocol import credentials
from service.protocol.credentials import Kind, hashed, new_credential, new_grant_id
from service.protocol.errors import AccessDenied
from service.protocol.names import HookEvent
from service.records.session import Session

log = logging.getLogger(__name__)

_EXTEND_AFTER = 60
"""Seconds of use after which a session's idle lifetime begins anew."""


class SignedIn(NamedTuple):
    """A session that has just begun or changed."""

    session: Session
    cookie: str
    """Its secret, which is not stored."""


async def read(issuer: Issuer, cookie: str) -> Session | None:
    """Return the session of a cookie, if it is alive, and extend it. One round trip."""
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

    ``amr`` says how they signed in (RFC 8176); ``client_id`` is the client that they came from, "" = none.

    Raises:
        AccessDenied: The user is disabled, got another password meanwhile, or a hook refuses.
        TemporarilyUnavailable: Redis is.
    """
    facts = about_login(person.subject, person.username, address, how="browser", client_id=client_id)
    await issuer.hooks.check_login(facts)
    if previous is not None and previous.subject != person.subject:
        await end_session(issuer, previous)
        previous = None
    renewed, kept = previous, await _keep_new(issuer, person, previous, amr)
    if kept is None and previous is not None:  # it has ended, or was renewed meanwhile: begin another one
        renewed, kept = None, await _keep_new(issuer, person, None, amr)
    if kept is None:
        raise AccessDenied("The user may not sign in.", log="user is disabled")
    signed, excess = kept
    await _check_proof(issuer, person, signed.session)
    await end_excess_sessions(issuer, person.subject, excess)
    sid, is_renewed = signed.session.sid, renewed is not None
    await issuer.hooks.notify(HookEvent.LOGGED_IN, **facts, session_id=sid, renewed=is_renewed)
    return signed


async def strengthen(issuer: Issuer, session: Session, amr: tuple[str, ...]) -> SignedIn:
    """Add further proofs of its user to a session, with a fresh cookie.

    Raises:
        StaleError: The session has ended, or was renewed meanwhile.
        TemporarilyUnavailable: Redis is.
    """
    cookie = new_credential(Kind.SESSION_COOKIE, session.sid, issuer.random_text)
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
    """Remember that a client got something in this session. Return False where it has ended.

    Call it after a grant is written, and end that grant on False: the end of a session deletes the session first and looks for
    its grants afterwards (P6).
    """
    return await issuer.store.sessions.join(session.sid, client_id)


async def _keep_new(
    issuer: Issuer, person: Person, renewed: Session | None, amr: tuple[str, ...]
) -> tuple[SignedIn, Sequence[str]] | None:
    """Store a new session, or one in the place of ``renewed``. Return the surplus ones; None where that is refused."""
    signed = _make(issuer, person, renewed, amr)
    ends = _ends_at(issuer, signed.session), _latest_end(issuer, signed.session)
    kept = await issuer.store.sessions.keep(signed.session, renewed, *ends)
    return (signed, kept.excess) if kept.is_kept else None


def _make(issuer: Issuer, person: Person, renewed: Session | None, amr: tuple[str, ...]) -> SignedIn:
    now = int(issuer.clock())
    sid = renewed.sid if renewed else new_grant_id(issuer.random_text)
    cookie = new_credential(Kind.SESSION_COOKIE, sid, issuer.random_text)
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
    """Refuse a user whose password was changed meanwhile. Raises AccessDenied.

    A change ends the sessions that exist after it, so a concurrent login by the old password ends here or there (P6).
    """
    if not person.proved_by:
        return
    user = await issuer.store.users.get(person.username)
    if user is None or user.password_hash != person.proved_by:
        await end_session(issuer, session)
        raise AccessDenied("The user may not sign in.", log="the password was changed meanwhile")


def _ends_at(issuer: Issuer, session: Session) -> int:
    """Return the epoch second of the idle or absolute limit, whichever is first."""
    return min(session.used_at + issuer.settings.session_idle_lifetime, _latest_end(issuer, session))


def _latest_end(issuer: Issuer, session: Session) -> int:
    """Return the epoch second of the absolute limit."""
    return session.started_at + issuer.settings.session_lifetime
