"""A notice that has to be delivered to a hook."""

from typing import Any

from service.records.json import Record


class Notice(Record, frozen=True, omit_defaults=True, gc=False):
    """``hook``: its name in the settings; ``facts``: JSON; ``at``: epoch seconds of the event; ``attempts``: that
    failed so far.
    """

    hook: str
    event: str
    facts: dict[str, Any]
    at: int
    attempts: int = 0
