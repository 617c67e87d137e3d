"""The message to a hook, with the event and its facts, and the error where no valid answer came."""

import time
from typing import Any, NamedTuple

import orjson

from service.protocol.names import HookEvent


class HookError(Exception):
    """The hook gave no valid answer: it is down, slow, or answers otherwise than agreed.

    The text is for operators, without secrets.
    """


class Message(NamedTuple):
    """An event and its facts."""

    event: HookEvent
    message_id: str  # the same at every attempt, so that a receiver recognizes a repetition
    at: int  # epoch seconds of the event
    facts: dict[str, Any]

    def body(self) -> bytes:
        """Return ``{"type": …, "timestamp": RFC 3339, "data": …}``."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.at))
        return orjson.dumps({"type": self.event.value, "timestamp": moment, "data": self.facts})
