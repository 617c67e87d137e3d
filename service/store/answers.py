"""The words by which scripts answer: one for each outcome."""

from enum import StrEnum


class Answer(StrEnum):
    """Answers that do not leave the store. The header of each script lists its own."""

    ADVANCED = "advanced"
    BLOCKED = "blocked"
    CHANGED = "changed"
    CLAIMED = "claimed"
    COUNTED = "counted"
    DISABLED = "disabled"
    ENDED = "ended"
    FIRST = "first"
    FOUND = "found"
    FULL = "full"
    INDEXED = "indexed"
    ISSUED = "issued"
    JOINED = "joined"
    KEPT = "kept"
    QUEUED = "queued"
    RELEASED = "released"
    REPEATED = "repeated"
    REMEMBERED = "remembered"
    REPLACED = "replaced"
    REPLAYED = "replayed"
    REVOKED = "revoked"
    SPENT = "spent"
    UNINDEXED = "unindexed"
    UNKNOWN = "unknown"
    WRITTEN = "written"
