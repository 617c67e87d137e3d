"""A circuit breaker: who fails several times in a row is left alone for a while, and then tried with one question."""

from collections.abc import Callable
from enum import StrEnum


class State(StrEnum):
    CLOSED = "closed"
    """It is asked."""
    OPEN = "open"
    """It is left alone."""
    HALF_OPEN = "half_open"
    """One question is under way, which decides."""


class Circuit:
    """``pause``: seconds; ``clock``: seconds; ``changed``: told every new state. Each process has its own.

    Who was admitted reports with ``succeeded``, ``failed`` or ``abandoned``.
    """

    def __init__(
        self, failures_allowed: int, pause: int, clock: Callable[[], float], changed: Callable[[State], None]
    ) -> None:
        self._allowed, self._pause, self._clock, self._changed = failures_allowed, pause, clock, changed
        self._failures = 0
        self._until = 0.0
        self.state = State.CLOSED

    @property
    def wait(self) -> int:
        """Seconds until it is worth while to come again, 1 at least."""
        return max(1, round(self._until - self._clock())) if self.state is State.OPEN else 1

    def admits(self) -> bool:
        """Whether to ask now."""
        if self.state is State.CLOSED:
            return True
        if self.state is State.HALF_OPEN or self._clock() < self._until:
            return False
        self._become(State.HALF_OPEN)
        return True

    def succeeded(self) -> None:
        """It answered as agreed."""
        self._failures = 0
        if self.state is not State.CLOSED:
            self._become(State.CLOSED)

    def failed(self) -> None:
        """It did not."""
        self._failures += 1
        if self.state is State.HALF_OPEN or (self.state is State.CLOSED and self._failures >= self._allowed):
            self._until = self._clock() + self._pause
            self._become(State.OPEN)

    def abandoned(self) -> None:
        """Who asked went away before there was an answer: the next one may try."""
        if self.state is State.HALF_OPEN:
            self._until = self._clock()
            self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self.state = state
        self._changed(state)
