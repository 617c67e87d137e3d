"""Requests that were refused of late: a stream of bounded length and life, written in batches by a background task."""

from collections.abc import Sequence
from typing import NamedTuple

from service.records.refused_request import RefusedRequest
from service.store.record_store import RecordStore

LENGTH = 2_000
"""The approximate number that is kept; the oldest ones are dropped."""
SECONDS = 86400 * 7
"""Seconds for which the last of them are kept."""


class PlacedRefusal(NamedTuple):
    """A refused request and its place in the stream."""

    place: str
    """Its id; later ones have higher ones."""
    request: RefusedRequest


class RefusedRequests(RecordStore):
    """The stream in Redis."""

    async def append(self, requests: Sequence[RefusedRequest]) -> None:
        """Append refused requests, in one round trip. Raises TemporarilyUnavailable, StoreError."""
        key = self._keys.refused_requests()
        steps = [(key, ("XADD", key, "MAXLEN", "~", LENGTH, "*", "r", one.encode())) for one in requests]
        await self._connection.execute_all([*steps, (key, ("EXPIRE", key, SECONDS))])

    async def before(self, place: str, since: int, count: int) -> list[PlacedRefusal]:
        """Read requests before a place ("" = the end) and since a moment (epoch ms), the newest in front. One round trip."""
        key = self._keys.refused_requests()
        start = f"({place}" if place else "+"
        found = await self._connection.execute(key, "XREVRANGE", key, start, f"{since}-0", "COUNT", count)
        return [PlacedRefusal(name.decode(), RefusedRequest.decode(members[1])) for name, members in found]
