"""Browser sessions of users: listed, and ended one by one."""

import re
from typing import Annotated

from pydantic import Field

from service.admin import users
from service.admin.audit import audited
from service.admin.errors import NotFound
from service.admin.input import Name
from service.admin.paging import Cursor, Limit, Listing, offset
from service.admin.users import UserName
from service.issuer import Issuer
from service.login import ending_sessions
from service.login.ending_sessions import EndedSessions
from service.protocol.credentials import GRANT_ID_LENGTH
from service.records.session import Session

SessionId = Annotated[Name, Field(description="As ID tokens and `mintmark session list` name it.")]
_SID = re.compile(rf"[A-Za-z0-9_-]{{{GRANT_ID_LENGTH}}}", re.ASCII)


async def list_sessions(
    issuer: Issuer, username: UserName, cursor: Cursor = "", limit: Limit = 100
) -> Listing[Session]:
    """Return a page of a user's living sessions, by when they end. Raises NotFound, InvalidInput for a bad cursor."""
    subject = (await users.get_account(issuer, username)).subject
    start = offset(cursor)
    found, more = await issuer.store.sessions.page_of_user(subject, start, limit)
    return Listing(found, str(start + limit) if more else "")


async def get_session(issuer: Issuer, sid: SessionId) -> Session:
    """Return a session. Raises NotFound."""
    session = await issuer.store.sessions.get(sid) if _SID.fullmatch(sid) else None
    if session is None:
        raise NotFound(
            "there is no such session: it was ended, or has expired; `mintmark session list` shows those of a user"
        )
    return session


@audited("session.end", "session:sid")
async def end_session(issuer: Issuer, sid: SessionId) -> EndedSessions:
    """End a session with the grants made in it, and notify its clients, as signing out does. Return exactly what ended.

    Raises NotFound.
    """
    return await ending_sessions.end_session(issuer, await get_session(issuer, sid))
