"""The session or grant that a verified ``id_token_hint`` names at logout, and its end (RP-Initiated Logout 1.0 section 2).

A session ends with all that was granted in it, even if its record has ended before its grants. Without a session, the grant of
the ID token ends alone.
"""

from typing import NamedTuple

from service.issuer import Issuer
from service.login import ending_sessions
from service.login.ending_sessions import EndedSessions
from service.protocol.names import OFFLINE_ACCESS
from service.records.client import Client
from service.records.grant import Grant
from service.records.session import Session
from service.tokens.ending import end_grant
from service.tokens.id_tokens import Hint, sub_of, subject_for


class Named(NamedTuple):
    """What a hint names."""

    subject: str
    sid: str
    """The user's session, "" = the ID token was issued outside one."""
    grant_id: str
    session: Session | None = None
    """The record of the session while it is alive."""
    grant: Grant | None = None
    """The grant of the ID token, while it is alive."""


async def named_by(issuer: Issuer, client: Client, hint: Hint) -> Named | None:
    """Find what the hint names, if it is of this user, as this client knows them; None where nothing of it is left."""
    session = await issuer.store.sessions.get(hint.sid) if hint.sid else None
    if session is not None:
        is_theirs = hint.subject == subject_for(issuer, client, session.subject)
        return Named(session.subject, hint.sid, hint.grant_id, session) if is_theirs else None
    listed = await issuer.store.grants.open(hint.grant_id)
    grant = listed.grant if listed and _is_of(issuer, client, hint, listed.grant) else None
    if grant is not None:
        return Named(grant.subject, hint.sid, hint.grant_id, grant=grant)
    if hint.sid and hint.subject == subject_for(issuer, client, hint.subject):  # no pairwise one: that names the user
        return Named(hint.subject, hint.sid, hint.grant_id)
    return None


async def end(issuer: Issuer, named: Named) -> EndedSessions:
    """End it. Return exactly how much that was, and the pages of clients that have to be loaded."""
    if named.session is not None:
        return await ending_sessions.end_session(issuer, named.session)
    if named.sid:
        return await ending_sessions.end_lapsed_session(issuer, named.sid, named.subject)
    return EndedSessions(int(named.grant is not None and await _end_grant(issuer, named.grant_id, named.grant)))


def _is_of(issuer: Issuer, client: Client, hint: Hint, grant: Grant) -> bool:
    is_clients = grant.client_id == client.client_id and grant.session == hint.sid
    return is_clients and bool(grant.subject) and sub_of(issuer, client, grant) == hint.subject


async def _end_grant(issuer: Issuer, grant_id: str, grant: Grant) -> bool:
    """End the grant. Return whether it was alive; a grant for offline access stays alive where the settings say so."""
    if issuer.settings.offline_access_outlives_session and OFFLINE_ACCESS in grant.scope.split(" "):
        return False
    return await end_grant(issuer, grant_id, grant.subject, grant.client_id, "signed_out")
