"""Operations on the audit log: list it, follow it."""

from typing import Annotated

from pydantic import Field

from service.admin import audit as admin
from service.admin.audit_actions import GROUPS
from service.admin.operations.operation import Operation, OperationResult, Output, page_of
from service.records.audit_entry import AuditEntry, Result, Way
from service.store.audit import PlacedEntry

KNOWN_GROUPS = GROUPS
"""What a form offers as the action to filter by: each stands for all about one kind of thing."""


class ShownEntry(Output[PlacedEntry]):
    """An act of an operator."""

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

    @classmethod
    def of(cls, result: PlacedEntry) -> OperationResult:
        """Return the entry and its place in the log."""
        entry = result.entry
        members = {name: getattr(entry, name) for name in AuditEntry.__struct_fields__}
        return OperationResult(members | {"id": result.place, "at": entry.at / 1000})


_ENTRIES = page_of("entries", ShownEntry, "The newest in front, or in the order in which they were written.")

LIST = Operation(
    "audit.list",
    "List what operators did.",
    admin.list_entries,
    _ENTRIES,
    columns=("at", "actor", "way", "address", "action", "targets", "changed", "result", "count", "why"),
)
FOLLOW = Operation(
    "audit.follow",
    "List what operators did since the cursor; without one only where the log ends now.",
    admin.list_new,
    _ENTRIES,
)
