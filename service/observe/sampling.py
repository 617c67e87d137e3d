"""Log lines that anybody can cause in any number: one a second, with how many were left out."""

import logging
from collections.abc import Mapping
from time import monotonic
from typing import Any

from service.observe.events import Event

SECONDS = 1.0
"""Least time between two lines."""


class Sampled:
    """A log event of which at most one line a second is written; metrics count all."""

    def __init__(self, log: logging.Logger, event: Event) -> None:
        self._log, self._event = log, event
        self._next, self._left_out = 0.0, 0

    def write(self, facts: Mapping[str, Any]) -> None:
        """Write it at its level, or count it for the next line (``left_out``)."""
        now = monotonic()
        if now < self._next:
            self._left_out += 1
            return
        self._log.log(self._event.level, self._event, extra={**facts, "left_out": self._left_out})
        self._next, self._left_out = now + SECONDS, 0
