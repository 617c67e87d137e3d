"""Deliveries to other servers: queues that survive restarts and are shared by all processes; each is claimed by one."""

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from service.observe.events import Event
from service.records.json import Record
from service.redis.connection import Connection
from service.redis.script import Script
from service.store.answers import Answer

log = logging.getLogger(__name__)

LEASE = 30
"""Seconds for which a delivery belongs to the process that claimed it."""
_KEEPS = 86400
"""Seconds after which a delivery is given up."""


_queue = Script("queue_delivery", Answer)
_claim = Script("claim_deliveries", Answer)

_Delivery = TypeVar("_Delivery", bound=Record)


class Deliveries(Generic[_Delivery]):
    """A queue in Redis.

    Args:
        connection: To Redis.
        index: The key of the queue.
        place: Makes the key of a delivery from its id.
        kind: Of record.
        most: Deliveries that may wait, 0 = no bound.
    """

    def __init__(
        self, connection: Connection, index: str, place: Callable[[str], str], kind: type[_Delivery], most: int = 0
    ) -> None:
        self._connection, self._index, self._place, self._kind = connection, index, place, kind
        self._most = most

    async def queue(self, delivery_id: str, delivery: _Delivery, due: int) -> bool:
        """Queue a delivery for ``due`` (epoch seconds). Return False where too many wait. One round trip."""
        places = (self._index, self._place(delivery_id))
        record = delivery.encode()
        answer, _ = await _queue.run(self._connection, places, delivery_id, record, due, _KEEPS, self._most)
        return answer is Answer.QUEUED

    async def claim(self, now: int, most: int) -> list[tuple[str, _Delivery]]:
        """Claim the deliveries that are due, for ``LEASE`` seconds. Two round trips where there are any."""
        _, rest = await _claim.run(self._connection, (self._index,), now, now + LEASE, most)
        ids = [member.decode() for member in rest[0]] if rest else []
        places = [self._place(delivery_id) for delivery_id in ids]
        records = await self._connection.execute_all([(key, ("GET", key)) for key in places])
        claimed = []
        for delivery_id, data in zip(ids, records, strict=True):
            if data is None:
                await self.drop(delivery_id)
            else:
                try:
                    claimed.append((delivery_id, self._kind.decode(data)))
                except msgspec.MsgspecError:  # an unreadable one must not hold up the others
                    log.exception(Event.DELIVERY_UNREADABLE, extra={"delivery": delivery_id, "queue": self._index})
                    await self.drop(delivery_id)
        return claimed

    async def drop(self, delivery_id: str) -> None:
        """Remove a delivery that was delivered or given up. One round trip."""
        index, record = self._index, self._place(delivery_id)
        await self._connection.execute_all([(record, ("DEL", record)), (index, ("ZREM", index, delivery_id))])

    async def waiting(self) -> int:
        """Return how many are in the queue."""
        return int(await self._connection.execute(self._index, "ZCARD", self._index))
