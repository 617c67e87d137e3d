"""What a hook is sent: the event and its facts."""

import time
from typing import Any, NamedTuple

import orjson

from service.protocol.names import HookEvent


class Message(NamedTuple):
    """``message_id``: the same at every try, so that who hears it twice knows; ``at``: epoch seconds of the event."""

    event: HookEvent
    message_id: str
    at: int
    facts: dict[str, Any]

    def body(self) -> bytes:
        """``{"type": …, "timestamp": RFC 3339, "data": …}``."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.at))
        return orjson.dumps({"type": self.event.value, "timestamp": moment, "data": self.facts})
