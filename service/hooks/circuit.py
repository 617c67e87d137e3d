"""A circuit breaker: a hook that fails several times in a row is not called for a while, and then tried with one call."""

from collections.abc import Callable
from enum import StrEnum


class CircuitState(StrEnum):
    """The states of a circuit."""

    CLOSED = "closed"
    """Calls are made."""
    OPEN = "open"
    """No call is made."""
    HALF_OPEN = "half_open"
    """One call is under way, which decides."""


class Circuit:
    """A circuit of one process. A call that was admitted reports with ``succeeded``, ``failed`` or ``abandoned``.

    ``failures_allowed`` in a row open it for ``pause`` seconds; ``changed`` is called with every new state.
    """

    def __init__(
        self, failures_allowed: int, pause: int, clock: Callable[[], float], changed: Callable[[CircuitState], None]
    ) -> None:
        self._allowed, self._pause, self._clock, self._changed = failures_allowed, pause, clock, changed
        self._failures = 0
        self._until = 0.0
        self.state = CircuitState.CLOSED

    @property
    def wait(self) -> int:
        """Return the seconds until another attempt is worth while, 1 at least."""
        return max(1, round(self._until - self._clock())) if self.state is CircuitState.OPEN else 1

    def admits(self) -> bool:
        """Whether to make a call now."""
        if self.state is CircuitState.CLOSED:
            return True
        if self.state is CircuitState.HALF_OPEN or self._clock() < self._until:
            return False
        self._become(CircuitState.HALF_OPEN)
        return True

    def succeeded(self) -> None:
        """Count a valid answer."""
        self._failures = 0
        if self.state is not CircuitState.CLOSED:
            self._become(CircuitState.CLOSED)

    def failed(self) -> None:
        """Count a failure."""
        self._failures += 1
        if self.state is CircuitState.HALF_OPEN or (
            self.state is CircuitState.CLOSED and self._failures >= self._allowed
        ):
            self._until = self._clock() + self._pause
            self._become(CircuitState.OPEN)

    def abandoned(self) -> None:
        """Let the next call try, as this one was cancelled before there was an answer."""
        if self.state is CircuitState.HALF_OPEN:
            self._until = self._clock()
            self._become(CircuitState.OPEN)

    def _become(self, state: CircuitState) -> None:
        self.state = state
        self._changed(state)
