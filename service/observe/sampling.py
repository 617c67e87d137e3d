"""Log lines that unknown callers can cause in any number: at most one a second, with the number of those left out."""

import logging
from collections.abc import Mapping
from time import monotonic
from typing import Any

from service.observe.events import Event

SECONDS = 1.0
"""The least number of seconds between two lines."""


class Sampled:
    """A log event of which at most one line a second is written; metrics count all."""

    def __init__(self, log: logging.Logger, event: Event) -> None:
        self._log, self._event = log, event
        self._next, self._left_out = 0.0, 0

    def write(self, facts: Mapping[str, Any]) -> None:
        """Write the event at its level, or count it for the next line (``left_out``)."""
        now = monotonic()
        if now < self._next:
            self._left_out += 1
            return
        self._log.log(self._event.level, self._event, extra={**facts, "left_out": self._left_out})
        self._next, self._left_out = now + SECONDS, 0
