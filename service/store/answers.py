"""What scripts answer: one word for what came of the act."""

from enum import StrEnum


class Answer(StrEnum):
    """The words that stay within the store; the header of each script says which are its own."""

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
    REMEMBERED = "remembered"
    REPLACED = "replaced"
    REPLAYED = "replayed"
    REVOKED = "revoked"
    SPENT = "spent"
    UNINDEXED = "unindexed"
    UNKNOWN = "unknown"
    WRITTEN = "written"
