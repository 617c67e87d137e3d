"""Log lines about outages: at the beginning, at growing intervals while one lasts, and at the end."""

import logging
import time
from collections.abc import Callable

from service.observe.events import Event

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""The first and the longest pause in seconds between two lines about one outage; each pause is twice the last one."""


class Outage:
    """The outage of something that a loop tries repeatedly.

    Args:
        log: The logger.
        began: The event of the first and the following lines.
        over: The event of the line at the end; None where the end cannot be seen.
        clock: Returns monotonic seconds.
    """

    def __init__(
        self,
        log: logging.Logger,
        began: Event,
        over: Event | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._began, self._over = began, over
        self._clock = clock
        self._since: float | None = None
        self._last_failure = 0.0
        self._quiet_until = 0.0
        self._pause = FIRST_PAUSE
        self._failures = 0

    def failed(self, reason: object, **facts: object) -> None:
        """Note a failed attempt, and log it unless a line was written recently. After a long pause a new outage begins."""
        now = self._clock()
        if self._since is None or now - self._last_failure > LONGEST_PAUSE:
            self._since, self._pause, self._failures, self._quiet_until = now, FIRST_PAUSE, 0, now
        self._failures += 1
        self._last_failure = now
        if now < self._quiet_until:
            return
        length = {"failures": self._failures, "for_seconds": round(now - self._since, 1)} if self._failures > 1 else {}
        self._log.log(self._began.level, self._began, extra={**facts, "reason": str(reason), **length})
        self._quiet_until = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def succeeded(self, **facts: object) -> None:
        """Note a successful attempt, and log it if it ends an outage."""
        if self._since is None or self._over is None:
            return
        length = {"failures": self._failures, "after_seconds": round(self._clock() - self._since, 1)}
        self._since = None
        self._log.log(self._over.level, self._over, extra={**facts, **length})
