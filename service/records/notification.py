"""A notification that has to be delivered to a hook."""

from typing import Any

from service.records.json import Record


class Notification(Record, frozen=True, omit_defaults=True, gc=False):
    """A notification that waits."""

    hook: str  # its name in the settings
    event: str
    facts: dict[str, Any]  # JSON
    at: int  # epoch seconds of the event
    attempts: int = 0  # that failed so far
