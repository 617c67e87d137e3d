"""Operations on browser sessions: list a user's, end them."""

from service.admin import sessions as admin
from service.admin.operations.operation import Operation, Output, Seconds, page_of
from service.issuer import Issuer
from service.records.session import Session


class ShownSession(Output[Session]):
    """A session without its cookie."""

    sid: str
    subject: str
    username: str
    started_at: Seconds
    auth_time: Seconds
    used_at: Seconds
    acr: str
    amr: tuple[str, ...]


class EndedSession(Output[dict[str, str | int]]):
    """The exact numbers that ended: the session (0 where another request was faster), and the grants made in it."""

    sid: str
    grants_ended: int
    sessions_ended: int


async def _end(issuer: Issuer, sid: admin.SessionId) -> dict[str, str | int]:
    return {"sid": sid, **(await admin.end_session(issuer, sid)).counts}


LIST = Operation(
    "session.list",
    "List the browser sessions of a user.",
    admin.list_sessions,
    page_of("sessions", ShownSession),
    columns=("sid", "username", "started_at", "auth_time", "used_at", "amr"),
)
SHOW = Operation("session.show", "Show a browser session.", admin.get_session, ShownSession)
END = Operation(
    "session.end", "End a browser session, and notify its clients.", _end, EndedSession, is_destructive=True
)
