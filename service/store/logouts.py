"""Logout tokens on their way: a queue that survives restarts, shared by all processes, each delivery taken by one."""

from enum import StrEnum

from service.records.logout_delivery import LogoutDelivery
from service.store import keys
from service.store.connection import Connection
from service.store.script import Script

LEASE = 30
"""Seconds for which a delivery belongs to the process that took it."""
_KEEPS = 86400
"""Seconds after which nobody needs to be told any more."""


class QueueAnswer(StrEnum):
    QUEUED = "queued"


class ClaimAnswer(StrEnum):
    CLAIMED = "claimed"


_queue = Script(
    "queue_delivery", ("deliveries", "delivery"), ("delivery_id", "delivery_record", "due", "keeps"), QueueAnswer
)
_claim = Script("claim_deliveries", ("deliveries",), ("now", "lease_ends", "most"), ClaimAnswer)
SCRIPTS = (_queue, _claim)


class Logouts:
    """The queue in Redis."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def queue(self, delivery_id: str, delivery: LogoutDelivery, due: int) -> None:
        """Have it delivered at ``due`` (epoch seconds) or soon after. One round trip."""
        places = (keys.logout_deliveries(), keys.logout_delivery(delivery_id))
        await _queue.run(self._connection, places, delivery_id, delivery.encode(), due, _KEEPS)

    async def claim(self, now: int, most: int) -> list[tuple[str, LogoutDelivery]]:
        """What is due, ours for ``LEASE`` seconds. Two round trips where there is something."""
        _, rest = await _claim.run(self._connection, (keys.logout_deliveries(),), now, now + LEASE, most)
        ids = [member.decode() for member in rest[0]] if rest else []
        places = [keys.logout_delivery(delivery_id) for delivery_id in ids]
        records = await self._connection.execute_all([(key, ("GET", key)) for key in places])
        claimed = []
        for delivery_id, data in zip(ids, records, strict=True):
            if data is None:
                await self.drop(delivery_id)
            else:
                claimed.append((delivery_id, LogoutDelivery.decode(data)))
        return claimed

    async def drop(self, delivery_id: str) -> None:
        """It was delivered, or given up. One round trip."""
        index, record = keys.logout_deliveries(), keys.logout_delivery(delivery_id)
        await self._connection.execute_all([(record, ("DEL", record)), (index, ("ZREM", index, delivery_id))])

    async def waiting(self) -> int:
        """How many are in the queue."""
        index = keys.logout_deliveries()
        return int(await self._connection.execute(index, "ZCARD", index))
