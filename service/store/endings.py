"""Ending everything, a batch of keys at a time, after a backup was restored: for operators, never for requests.

SCAN returns every key that exists during the whole scan, so nothing that is older than the scan is missed.
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
    """A grant and the key that holds it: its own key, or that of its only access token."""

    key: str
    grant: Grant

    @property
    def grant_id(self) -> str:
        """The id of the grant."""
        return Keys.grant_id_of(self.key)

    @property
    def is_client_grant(self) -> bool:
        """Whether the grant is a single access token (client_credentials)."""
        return not self.key.endswith("}")


class Endings(RecordStore):
    """Scans that end what they find."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        super().__init__(connection, keys)
        self._index = UserIndex(connection, keys)
        self._grants = Grants(connection, keys)

    async def primaries(self) -> str:
        """Return a text that identifies the scanned servers: a cursor is valid for these only.

        Raises TemporarilyUnavailable.
        """
        return hashed(" ".join(str(link.endpoint) for link in await self._connection.links()))[:8]

    # sessions, interactions, tickets of callers

    async def under_way(self, cursor: str, *, ends: bool) -> tuple[Counter[str], str]:
        """Count each kind (session, ticket, decision, operator) among the next keys, and end it where ``ends``.

        Return the counts and the next cursor. Raises ValueError for an invalid cursor.
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
        """End one. Return whether it was alive."""
        if kind == "session":
            return data is not None and await self.end_session(Session.decode(data))
        gone = 0
        request = self._keys.ticket_request(key.rpartition(":")[2].rstrip("}"))
        for name in (request, key) if kind == "ticket" else (key,):
            gone += await self._connection.execute_confirmed(key, "DEL", name)
        return gone > 0 and _is_open(kind, data)

    async def end_session(self, session: Session) -> bool:
        """End a session without a notification. Return whether it was alive."""
        key, clients = self._keys.session(session.sid), self._keys.session_clients(session.sid)
        gone = await self._connection.execute_confirmed(key, "DEL", key)
        await self._connection.execute(key, "DEL", clients)
        self._index.unindex_session_soon(session.sid, session.subject)
        return bool(gone)

    # grants

    async def grants(self, cursor: str) -> tuple[list[FoundGrant], str]:
        """Return the grants among the next keys, and the next cursor. Raises ValueError for an invalid cursor."""
        found, following = await self._connection.scan(self._keys.tagged, cursor, CHUNK)
        names = [name for name in dict.fromkeys(found) if self._keys.grant_key.fullmatch(name)]
        read = (
            (name, inline_or_whole(name, data)) for name, data in zip(names, await self._read_all(names), strict=True)
        )
        return [FoundGrant(name, grant) for name, grant in read if grant is not None], following

    async def living_sessions(self, sids: Sequence[str]) -> dict[str, Session]:
        """Return those of these sessions that are alive."""
        records = await self._read_all([self._keys.session(sid) for sid in sids])
        return {sid: Session.decode(data) for sid, data in zip(sids, records, strict=True) if data}

    async def end_grant(self, found: FoundGrant) -> bool:
        """End a grant with everything it issued. Return whether it was alive."""
        if not found.is_client_grant:
            return await self._grants.revoke(found.grant_id, found.grant.subject)
        return await self._grants.end_inline(found.key)


def _counts(found: re.Match[str], data: bytes | None) -> bool:
    """Whether the record under a key could still be used; of a ticket that has two keys only one counts."""
    kind, suffix = found[2], found[3]
    return _is_open(kind, data) and (data is None if suffix == ":request" else not suffix)


def _is_open(kind: str, data: bytes | None) -> bool:
    """Whether an interaction could still be resumed. Of forms only the answers are kept, for a moment."""
    if kind == "ticket":
        return data is None or Progress.decode(data).position != FINISHED
    if kind == "decision":
        return data is not None and not DecisionTicket.decode(data).taken
    return kind in ("operator", "session") and data is not None
