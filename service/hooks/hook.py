"""A single hook: called within its timeout, not called while its circuit is open, and the consequences of a failure."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from service.hooks.circuit import Circuit, CircuitState
from service.hooks.message import HookError, Message
from service.observe.events import Event
from service.observe.metrics import Metrics
from service.protocol.errors import TemporarilyUnavailable
from service.settings.faults import lines
from service.settings.hooks import HookSettings

log = logging.getLogger(__name__)

_Model = TypeVar("_Model", bound=BaseModel)


class Target(Protocol):
    """The place of a hook: behind a URL, or in this process."""

    def load(self) -> None:
        """Load it. Raises ValueError where it is not there."""

    async def ask(self, message: Message) -> Mapping[str, Any] | None:
        """Return the answer, None for none. Raises HookError."""

    async def notify(self, message: Message) -> None:
        """Deliver a notification. Raises HookError where it was not accepted."""


class Hook:
    """A hook by its name in the settings, with its circuit."""

    def __init__(
        self, name: str, settings: HookSettings, target: Target, metrics: Metrics, clock: Callable[[], float]
    ) -> None:
        self.name, self.settings, self.target = name, settings, target
        self._metrics = metrics
        self.circuit = Circuit(settings.failures_allowed, settings.pause, clock, self._circuit_changed)
        metrics.hook_circuit(name, is_open=False)

    async def ask(self, message: Message, model: type[_Model]) -> _Model | None:
        """Return the answer; None where there is none and ``on_failure`` says to continue. Raises TemporarilyUnavailable."""
        if not self.circuit.admits():
            self._metrics.hook_call(self.name, message.event.value, "skipped")
            self._without(message, "its circuit is open")
            return None
        try:
            answered = await self.target.ask(message) or {}
            answer = model.model_validate(answered)
        except HookError as error:
            self.count_failure(message, str(error))
            self._without(message, str(error))
            return None
        except ValidationError as error:
            self.unusable(message, _reason(error, answered))
            return None
        except BaseException:
            self.circuit.abandoned()
            raise
        self.circuit.succeeded()
        return answer

    def unusable(self, message: Message, reason: str) -> None:
        """Continue, or not, after an invalid answer. Its circuit stays closed.

        The answer may be about one user, who must not be able to open the circuit for everybody by coming often.

        Raises:
            TemporarilyUnavailable: ``on_failure`` says so.
        """
        self.circuit.succeeded()
        self._note_failure(message, reason)
        self._without(message, reason)

    def count_failure(self, message: Message, reason: str) -> None:
        """Count a failure for the circuit, in the metrics and in the log."""
        self.circuit.failed()
        self._note_failure(message, reason)

    def _note_failure(self, message: Message, reason: str) -> None:
        self._metrics.hook_call(self.name, message.event.value, "failed")
        log.warning(Event.HOOK_FAILED, extra={"hook": self.name, "hook_event": message.event.value, "reason": reason})

    def answered(self, message: Message, outcome: str = "ok") -> None:
        """Count the outcome: ``ok`` or ``refused``."""
        self._metrics.hook_call(self.name, message.event.value, outcome)

    def _without(self, message: Message, reason: str) -> None:
        if self.settings.on_failure == "refuse":
            text = f"hook {self.name}, {message.event.value}: {reason}"
            raise TemporarilyUnavailable(log=text, retry_after=min(self.circuit.wait, 60))

    def _circuit_changed(self, state: CircuitState) -> None:
        self._metrics.hook_circuit(self.name, is_open=state is not CircuitState.CLOSED)
        level = logging.ERROR if state is CircuitState.OPEN else logging.INFO
        log.log(level, Event.HOOK_CIRCUIT_CHANGED, extra={"hook": self.name, "state": state.value})


def _reason(error: ValidationError, answer: object) -> str:
    """Return an error without the answer, which may hold anything."""
    return "its answer: " + "; ".join(lines(error, "there is no such member", answer))[:300]
