"""The operation that ends everything, for use after a restore."""

from typing import Annotated

from pydantic import Field

from service.admin import everything as admin
from service.admin.operations.operation import NextCursor, Operation, Output


class EverythingCount(Output[admin.EndedEverything]):
    """The exact numbers that were alive in this part; add up all parts. Clients stay, and must request new tokens."""

    clients: int
    grants: int
    sessions: int
    interactions: Annotated[int, Field(description="Of those that have begun to be kept: the rest waits in browsers.")]
    decisions: Annotated[int, Field(description="Tickets of the decision API that waited for their caller.")]
    operator_sessions: int
    cursor: NextCursor


COUNT = Operation(
    "everything.count", "Count what ending everything would end.", admin.count_everything, EverythingCount
)
END = Operation(
    "everything.end",
    "End every grant, session, interaction and operator's session: after a backup was restored.",
    admin.end_everything,
    EverythingCount,
    is_destructive=True,
)
