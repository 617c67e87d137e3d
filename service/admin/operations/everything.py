"""Everything at once: for after a restore."""

from typing import Annotated, Any

from pydantic import Field

from service.admin import everything as admin
from service.admin.input import Input
from service.admin.operations.operation import Cursor, NextCursor, Operation, OperationResult, Output
from service.issuer import Issuer


class Part(Input):
    """Everything is ended in parts: the first has no cursor, each further one that of the part before."""

    cursor: Cursor = ""


class EverythingCount(Output):
    """Exactly how many of this part were alive; add up all parts. Clients are there as before, and must ask anew."""

    clients: int
    grants: int
    sessions: int
    interactions: Annotated[int, Field(description="Of those that have begun to be kept: the rest waits in browsers.")]
    decisions: Annotated[int, Field(description="Tickets of the decision API that waited for their caller.")]
    operator_sessions: int
    cursor: NextCursor


def _described(ended: admin.EndedEverything) -> OperationResult:
    counts: dict[str, Any] = ended._asdict()
    return OperationResult(counts)


async def _count(issuer: Issuer, given: Part) -> OperationResult:
    return _described(await admin.count_everything(issuer, given.cursor))


async def _end(issuer: Issuer, given: Part) -> OperationResult:
    return _described(await admin.end_everything(issuer, given.cursor))


COUNT = Operation("everything.count", "Count what ending everything would end.", Part, EverythingCount, _count)
END = Operation(
    "everything.end",
    "End every grant, session, interaction and operator's session: after a backup was restored.",
    Part,
    EverythingCount,
    _end,
    is_destructive=True,
)

OPERATIONS = (COUNT, END)
