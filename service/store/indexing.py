"""Indexing the grants of a user, together with the scripts that begin or change them, and ending those that are too many."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from service.observe.events import Event
from service.protocol.errors import TemporarilyUnavailable
from service.redis.connection import Connection, KeyedCommand
from service.redis.errors import StoreError
from service.redis.script import Given
from service.store import user_index
from service.store.grants import Grants
from service.store.keys import Keys
from service.store.user_index import INDEXED, IndexedScript, Place, UserIndex

_PAUSE, _TRIES = 0.5, 600
_MOST_DELAYED = 10_000
"""How many grants may wait for the server of their index. Each is a task that holds 2 KB and tries twice a second."""

log = logging.getLogger(__name__)

EndExcess = Callable[[str, str, Sequence[str]], Awaitable[None]]
"""Ends the surplus grants of a user (subject) and client."""


class Indexing:
    """The scripts of one store that begin or change a grant, with its index.

    A user may have ``most`` grants of a kind for one client, 0 = any number.
    """

    def __init__(self, connection: Connection, keys: Keys, most: int) -> None:
        self._connection = connection
        self._index = UserIndex(connection, keys)
        self._grants = Grants(connection, keys)
        self._most = most
        self._delayed: dict[asyncio.Task[None], str] = {}
        """Writes that wait for the server of their index, each with its grant."""
        self.end_excess: EndExcess = self._revoke
        """Ends the surplus grants; to be replaced by a function that also notifies hooks."""

    def swap(self, script: IndexedScript[Any], given: Given, place: Place) -> Awaitable[object]:
        """Return the reply to a script that spends a credential; None where the user is disabled and the grant therefore ended.

        In a Cluster the index may be on another server, which may be down. The credential is spent then, so its tokens are
        returned, and the index is written as soon as its server is back. Until then nothing can be revoked by the index.
        """
        return self._run(script, given, place, needed=1)

    def begin(self, script: IndexedScript[Any], given: Given, place: Place) -> Awaitable[object]:
        """Return the reply to a script that begins a grant; None where the user is disabled.

        Raises where either server is away.
        """
        return self._run(script, given, place, needed=2)

    async def _run(self, script: IndexedScript[Any], given: Given, place: Place, needed: int) -> object:
        """Call the script, and index the grant: by one call where that may cross slots, else by two that leave together."""
        connection = self._connection
        if not place.subject:
            key, command = script.step(connection, *given)
            return await connection.execute(key, *command)
        if connection.crosses_slots:
            key, command = script.with_index.step(connection, given, self._index.of_grant(place, self._most))
            reply, indexed = await connection.execute(key, *command)
        else:
            step, index = script.step(connection, *given), self._index.grant_step(place, self._most)
            if len(self._delayed) >= _MOST_DELAYED:
                # Only users whose server is up get anything: ask it before spending.
                await connection.execute(index[0], "EXISTS", index[0])
            reply, indexed = await connection.execute_all([step, index], needed=needed)
            if isinstance(indexed, Exception):
                self._index_later(index, place, indexed)
                return reply
        return reply if indexed == INDEXED or await self._settle(indexed, place) else None

    def _index_later(self, step: KeyedCommand, place: Place, reason: Exception) -> None:
        log.warning(Event.USER_INDEX_DELAYED, extra={"grant_id": place.grant_id, "reason": str(reason)})
        task = asyncio.ensure_future(self._keep_indexing(step, place))
        self._delayed[task] = place.grant_id
        task.add_done_callback(self._delayed.pop)

    async def close(self, patience: float) -> None:
        """Wait so many seconds for indexes that are still to be written, and log the grants that stay without."""
        if self._delayed:
            await asyncio.wait(list(self._delayed), timeout=patience)
        for task, grant_id in self._delayed.items():
            task.cancel()
            log.error(Event.USER_INDEX_NOT_WRITTEN, extra={"grant_id": grant_id})

    async def _settle(self, reply: object, place: Place) -> bool:
        """Do what the reply of the index asks for; False where the user is disabled and the grant therefore ended."""
        indexed = user_index.read(reply)
        if indexed.is_disabled:
            await self._grants.revoke(place.grant_id)
            return False
        if indexed.excess:
            await self.end_excess(place.subject, place.client_id, indexed.excess)
        return True

    async def _keep_indexing(self, step: KeyedCommand, place: Place) -> None:
        """Retry until the index is written, for about ten minutes."""
        for _ in range(_TRIES):
            await asyncio.sleep(_PAUSE)
            try:
                await self._settle(await self._connection.execute(step[0], *step[1]), place)
            except (TemporarilyUnavailable, StoreError):
                continue
            return
        log.error(Event.USER_INDEX_NOT_WRITTEN, extra={"grant_id": place.grant_id})

    async def _revoke(self, subject: str, _client_id: str, grant_ids: Sequence[str]) -> None:
        for grant_id in grant_ids:
            await self._grants.revoke(grant_id, subject)
