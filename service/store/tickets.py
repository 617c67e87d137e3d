"""Tickets: questions that wait for a person in front of a browser, until they are answered or forgotten."""

from enum import StrEnum

from service.records.question import Question
from service.store import keys
from service.store.connection import Connection
from service.store.script import Script


class AdvanceAnswer(StrEnum):
    ADVANCED = "advanced"
    CHANGED = "changed"


_advance = Script("advance_ticket", ("ticket",), ("seen", "replacement"), AdvanceAnswer, confirmed=True)
SCRIPTS = (_advance,)


class Tickets:
    """Tickets in Redis."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def keep(self, ticket: str, question: Question, lifetime: int) -> None:
        """Let a question wait for ``lifetime`` seconds. One round trip."""
        key = keys.ticket(ticket)
        await self._connection.execute(key, "SET", key, question.encode(), "EX", lifetime)

    async def get(self, ticket: str) -> Question | None:
        """None where there is no such ticket, or its time is over. One round trip."""
        key = keys.ticket(ticket)
        data = await self._connection.execute(key, "GET", key)
        return Question.decode(data) if data else None

    async def advance(self, ticket: str, seen: Question, changed: Question) -> bool:
        """Replace a question by its next stage; False where somebody else did so meanwhile. One round trip."""
        answer, _ = await _advance.run(self._connection, (keys.ticket(ticket),), seen.encode(), changed.encode())
        return answer is AdvanceAnswer.ADVANCED
