"""The audit log."""

from typing import Annotated

from pydantic import Field

from service.admin import audit as admin
from service.admin.audit import AuditFilter
from service.admin.operations.operation import (
    Cursor,
    NextCursor,
    Operation,
    OperationResult,
    Output,
    PageInput,
    Since,
    Word,
)
from service.issuer import Issuer
from service.records.audit_entry import Result, Way


class NewEntries(PageInput):
    """What to look for, after those that were seen; without a cursor the answer only says where the log ends now."""

    actor: Annotated[Word, Field(description="Who: the name of a token, certificate or account.")] = ""
    action: Annotated[Word, Field(description="client.update, or client for all about clients.")] = ""
    target: Annotated[Word, Field(description="To what: client:web, or the name alone.")] = ""


class WantedEntries(NewEntries):
    """What to look for."""

    since: Since = 0


class ShownEntry(Output):
    """What an operator did."""

    id: str
    act: Annotated[str, Field(description="The same from the beginning to the outcome.")]
    at: Annotated[float, Field(description="Epoch seconds when it began.")]
    actor: str
    way: Way
    address: str
    action: str
    targets: tuple[str, ...]
    changed: tuple[str, ...]
    result: Annotated[Result, Field(description="`begun`: whether it was done is not known.")]
    why: str
    count: Annotated[int, Field(description="How many acts are summed in it.")]


class EntryList(Output):
    """The newest in front."""

    entries: tuple[ShownEntry, ...]
    cursor: NextCursor


class NewEntryList(Output):
    """In the order in which they were written."""

    entries: tuple[ShownEntry, ...]
    cursor: Cursor


async def _list(issuer: Issuer, given: WantedEntries) -> OperationResult:
    wanted = AuditFilter(given.actor, given.action, given.target, given.since)
    page = await admin.list_entries(issuer, wanted, given.cursor, given.limit)
    return OperationResult.of_list("entries", page, admin.describe)


async def _follow(issuer: Issuer, given: NewEntries) -> OperationResult:
    wanted = AuditFilter(given.actor, given.action, given.target)
    page = await admin.list_new(issuer, given.cursor, wanted, given.limit)
    return OperationResult.of_list("entries", page, admin.describe)


LIST = Operation(
    "audit.list",
    "List what operators did.",
    WantedEntries,
    EntryList,
    _list,
    columns=("at", "actor", "way", "address", "action", "targets", "changed", "result", "count", "why"),
)
FOLLOW = Operation("audit.follow", "List what operators did since the cursor.", NewEntries, NewEntryList, _follow)

OPERATIONS = (LIST, FOLLOW)
