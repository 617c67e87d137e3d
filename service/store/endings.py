"""End all there is, a batch of keys at a time, after a backup brought it back: for operators, never for requests.

SCAN returns every key that is there from its beginning to its end, so nothing older than a whole scan is missed.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from service.protocol.credentials import hashed
from service.records.decision_ticket import DecisionTicket
from service.records.grant import Grant
from service.records.interaction import FINISHED, Progress
from service.records.session import Session
from service.redis.connection import Connection
from service.store.grants import Grants, inline_or_whole
from service.store.keys import Keys
from service.store.record_store import RecordStore
from service.store.scanning import CHUNK
from service.store.user_index import UserIndex


class FoundGrant(NamedTuple):
    """A grant and the key that holds it: its own, or that of the one access token that it is."""

    key: str
    grant: Grant

    @property
    def grant_id(self) -> str:
        """The id of the grant."""
        return Keys.grant_id_of(self.key)

    @property
    def is_client_grant(self) -> bool:
        """Whether it is one access token (client_credentials)."""
        return not self.key.endswith("}")


class Endings(RecordStore):
    """Scans, and ends what they find."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        super().__init__(connection, keys)
        self._index = UserIndex(connection, keys)
        self._grants = Grants(connection, keys)

    async def primaries(self) -> str:
        """A word for the servers that a scan goes over: cursors mean nothing to others. Raises TemporarilyUnavailable."""
        return hashed(" ".join(str(link.endpoint) for link in await self._connection.links()))[:8]

    # what is under way: sessions, interactions, tickets of callers

    async def under_way(self, cursor: str, *, ends: bool) -> tuple[Counter[str], str]:
        """Count each kind (session, ticket, decision, operator) among the next keys, and end it where ``ends``.

        Returns the counts and the next cursor. Raises ValueError for what is no cursor.
        """
        names, following = await self._connection.scan(self._keys.named_tags, cursor, CHUNK)
        found = [match for name in dict.fromkeys(names) if (match := self._keys.transient_key.fullmatch(name))]
        kinds = {match[1]: match[2] for match in found}
        held = dict(zip(kinds, await self._read_all(list(kinds)), strict=True))
        if not ends:
            return Counter(match[2] for match in found if _counts(match, held[match[1]])), following
        ended = await asyncio.gather(*(self._end(kind, key, held[key]) for key, kind in kinds.items()))
        return Counter(kind for kind, was_open in zip(kinds.values(), ended, strict=True) if was_open), following

    async def _end(self, kind: str, key: str, data: bytes | None) -> bool:
        """End one; whether it was still worth something."""
        if kind == "session":
            return data is not None and await self.end_session(Session.decode(data))
        gone = 0
        request = self._keys.ticket_request(key.rpartition(":")[2].rstrip("}"))
        for name in (request, key) if kind == "ticket" else (key,):
            gone += await self._connection.execute_confirmed(key, "DEL", name)
        return gone > 0 and _is_open(kind, data)

    async def end_session(self, session: Session) -> bool:
        """End a session without a notification; whether it was alive."""
        key, clients = self._keys.session(session.sid), self._keys.session_clients(session.sid)
        gone = await self._connection.execute_confirmed(key, "DEL", key)
        await self._connection.execute(key, "DEL", clients)
        self._index.unindex_session_soon(session.sid, session.subject)
        return bool(gone)

    # grants

    async def grants(self, cursor: str) -> tuple[list[FoundGrant], str]:
        """The grants among the next keys, and where to go on. Raises ValueError for what is no cursor."""
        found, following = await self._connection.scan(self._keys.tagged, cursor, CHUNK)
        names = [name for name in dict.fromkeys(found) if self._keys.grant_key.fullmatch(name)]
        read = (
            (name, inline_or_whole(name, data)) for name, data in zip(names, await self._read_all(names), strict=True)
        )
        return [FoundGrant(name, grant) for name, grant in read if grant is not None], following

    async def living_sessions(self, sids: Sequence[str]) -> dict[str, Session]:
        """Those of these sessions that are alive."""
        records = await self._read_all([self._keys.session(sid) for sid in sids])
        return {sid: Session.decode(data) for sid, data in zip(sids, records, strict=True) if data}

    async def end_grant(self, found: FoundGrant) -> bool:
        """End a grant with everything it issued; whether it was alive."""
        if not found.is_client_grant:
            return await self._grants.revoke(found.grant_id, found.grant.subject)
        return await self._grants.end_inline(found.key)


def _counts(found: re.Match[str], data: bytes | None) -> bool:
    """Whether a key stands for something that could go on; of a ticket that has two only one does."""
    kind, beside = found[2], found[3]
    return _is_open(kind, data) and (data is None if beside == ":request" else not beside)


def _is_open(kind: str, data: bytes | None) -> bool:
    """Whether it could go on. Of forms only the answers are kept, for a moment."""
    if kind == "ticket":
        return data is None or Progress.decode(data).stage != FINISHED
    if kind == "decision":
        return data is not None and not DecisionTicket.decode(data).taken
    return kind in ("operator", "session") and data is not None
