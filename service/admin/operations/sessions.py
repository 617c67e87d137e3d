"""Browser sessions."""

from typing import Annotated

from pydantic import Field

from service.admin import sessions as admin
from service.admin.input import Input
from service.admin.operations.operation import Name, NextCursor, Operation, OperationResult, Output, PageInput, Seconds
from service.issuer import Issuer


class WhoseSessions(PageInput):
    """Of which user."""

    username: Annotated[Name, Field(description="Username, or subject.")]


class NamedSession(Input):
    """A session by its id."""

    sid: Annotated[Name, Field(description="As ID tokens and `mintmark session list` name it.")]


class ShownSession(Output):
    """A session, but nothing of its cookie."""

    sid: str
    subject: str
    username: str
    started_at: Seconds
    auth_time: Seconds
    used_at: Seconds
    acr: str
    amr: tuple[str, ...]


class SessionList(Output):
    """A user's sessions."""

    sessions: tuple[ShownSession, ...]
    cursor: NextCursor


class EndedSession(Output):
    """Exactly what ended: the session (0 where another was faster), and grants that were granted in it."""

    sid: str
    grants_ended: int
    sessions_ended: int


async def _list(issuer: Issuer, given: WhoseSessions) -> OperationResult:
    page = await admin.list_sessions(issuer, given.username, given.cursor, given.limit)
    return OperationResult.of_list("sessions", page, admin.describe)


async def _show(issuer: Issuer, given: NamedSession) -> OperationResult:
    return OperationResult(admin.describe(await admin.get_session(issuer, given.sid)))


async def _end(issuer: Issuer, given: NamedSession) -> OperationResult:
    ended = await admin.end_session(issuer, given.sid)
    return OperationResult({"sid": given.sid, **ended.counts})


LIST = Operation(
    "session.list",
    "List the browser sessions of a user.",
    WhoseSessions,
    SessionList,
    _list,
    columns=("sid", "username", "started_at", "auth_time", "used_at", "amr"),
)
SHOW = Operation("session.show", "Show a browser session.", NamedSession, ShownSession, _show)
END = Operation(
    "session.end", "End a browser session, and tell its clients.", NamedSession, EndedSession, _end, is_destructive=True
)

OPERATIONS = (LIST, SHOW, END)
