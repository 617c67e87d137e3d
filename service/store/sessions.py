"""Browser sessions: kept by their ``sid``, with the clients that got something in them, and in an index of their user."""

from typing import NamedTuple

from service.records.session import Session
from service.redis.connection import Connection, KeyedCommand
from service.redis.script import Script
from service.store import user_index
from service.store.answers import Answer
from service.store.keys import Keys
from service.store.record_store import RecordStore
from service.store.user_index import UserIndex

_keep = Script("keep_session", Answer)
_join = Script("join_session", Answer)
_end = Script("end_session", Answer, confirmed=True)


class SessionEnd(NamedTuple):
    """A session that has ended, now or before."""

    client_ids: tuple[str, ...]  # the clients that got something in it
    was_alive: bool  # whether this command ended it: true for one of several callers that end it at once


class KeptSession(NamedTuple):
    """The outcome of storing a session."""

    is_kept: bool
    excess: list[str]  # ids of the user's sessions that have to end, as there would be too many


class Sessions(RecordStore):
    """Sessions in Redis."""

    def __init__(self, connection: Connection, keys: Keys, most: int) -> None:
        super().__init__(connection, keys)
        self._index = UserIndex(connection, keys)
        self._most = most

    async def get(self, sid: str) -> Session | None:
        """Return a living session. One round trip."""
        return await self._read(self._keys.session(sid), Session)

    async def keep(self, session: Session, seen: Session | None, ends_at: int, latest_end: int) -> KeptSession:
        """Store a session, new or in the place of ``seen``: until ``ends_at``, ``latest_end`` at the latest if it is used.

        One round trip. It is not stored where the user is disabled, or the session that it renews has ended or was renewed
        meanwhile.
        """
        seen_hash = seen.secret_hash if seen else ""
        steps = [self._keep_step(session, seen_hash, ends_at), self._index_step(session, ends_at, latest_end)]
        kept, reply = await self._connection.execute_all(steps)
        indexed = user_index.read(reply)
        if indexed.is_disabled:
            await self.end(session.sid)
            return KeptSession(False, [])
        return KeptSession(_keep.read(kept)[0] is Answer.KEPT, indexed.excess)

    def extend_soon(self, session: Session, ends_at: int) -> None:
        """Extend a session that is used, without waiting."""
        self._connection.execute_soon(*self._keep_step(session, session.secret_hash, ends_at))
        self._connection.execute_soon(*self._index_step(session, ends_at, ends_at))

    async def join(self, sid: str, client_id: str) -> bool:
        """Remember that a client got something in it. Return False where it has ended. One round trip."""
        answer, _ = await _join.run(self._connection, self._places(sid), client_id)
        return answer is Answer.JOINED

    async def end(self, sid: str) -> SessionEnd:
        """End a session. One round trip."""
        places = self._places(sid)
        answer, rest = await _end.run(self._connection, places)
        was_lost = places[0] in self._connection.sent_again
        if answer is Answer.UNKNOWN:
            return SessionEnd((), was_lost)
        return SessionEnd(tuple(name.decode() for name in rest[0]), bool(rest[1]) or was_lost)

    def forget_clients_soon(self, sid: str) -> None:
        """Forget the clients of an ended session, once everything of it has ended, without waiting."""
        key = self._keys.session_clients(sid)
        self._connection.execute_soon(key, ("DEL", key))

    async def of_user(self, subject: str) -> list[str]:
        """Return the ``sid`` of every session that the user may have. One round trip."""
        index = self._keys.user_sessions(subject)
        return [member.decode() for member in await self._connection.execute(index, "ZRANGE", index, 0, -1)]

    async def page_of_user(self, subject: str, start: int, count: int) -> tuple[list[Session], bool]:
        """Return the user's living sessions among ``count`` entries of the index, and whether more follow. Two round trips."""
        index = self._keys.user_sessions(subject)
        found = await self._connection.execute(index, "ZRANGE", index, start, start + count)
        places = [self._keys.session(member.decode()) for member in found[:count]]
        return [Session.decode(data) for data in await self._read_all(places) if data], len(found) > count

    def unindex_soon(self, subject: str, sid: str) -> None:
        """Remove an ended session from its user's index, without waiting: an index entry alone means nothing."""
        self._index.unindex_session_soon(sid, subject)

    def _places(self, sid: str) -> tuple[str, str]:
        return self._keys.session(sid), self._keys.session_clients(sid)

    def _keep_step(self, session: Session, seen_hash: str, ends_at: int) -> KeyedCommand:
        return _keep.step(self._connection, self._places(session.sid), (session.encode(), seen_hash, ends_at))

    def _index_step(self, session: Session, ends_at: int, latest_end: int) -> KeyedCommand:
        return self._index.session_step(session.sid, session.subject, ends_at, latest_end, self._most)
