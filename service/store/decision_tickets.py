"""Tickets of the decision API: requests that wait for the caller's answer, until they are used or have expired."""

from service.protocol.credentials import hashed
from service.records.decision_ticket import DecisionTicket
from service.store.answers import Answer
from service.store.record_store import RecordStore
from service.store.tickets import advance_ticket


class DecisionTickets(RecordStore):
    """Tickets in Redis, by their hash: a reader of Redis cannot use them (P5)."""

    async def keep(self, ticket: str, record: DecisionTicket, lifetime: int) -> None:
        """Store a ticket for ``lifetime`` seconds. One round trip."""
        key = self._keys.decision_ticket(hashed(ticket))
        await self._connection.execute(key, "SET", key, record.encode(), "EX", lifetime)

    async def get(self, ticket: str) -> DecisionTicket | None:
        """Return the ticket; None where there is none, or it has expired. One round trip."""
        return await self._read(self._keys.decision_ticket(hashed(ticket)), DecisionTicket)

    async def take(self, ticket: str, seen: DecisionTicket, taken: DecisionTicket) -> bool:
        """Spend a ticket. Return False where another caller has spent it meanwhile. One round trip."""
        key = self._keys.decision_ticket(hashed(ticket))
        answer, _ = await advance_ticket.run(self._connection, (key,), seen.encode(), taken.encode(), 0)
        return answer is Answer.ADVANCED

    def release_soon(self, ticket: str, seen: DecisionTicket, taken: DecisionTicket) -> None:
        """Let a ticket be used again after a use that failed. Does not wait."""
        key = self._keys.decision_ticket(hashed(ticket))
        self._connection.execute_soon(
            *advance_ticket.step(self._connection, (key,), (taken.encode(), seen.encode(), 0))
        )
