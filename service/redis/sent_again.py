"""Which commands were sent again after a dropped connection: what the second try finds done, the first one may have done."""

import time
from collections import OrderedDict

from service.redis.errors import LinkLostError, kind_of

_MOST = 10_000
"""Keys that are remembered at most."""


class SentAgain:
    """Keys whose commands were sent again within the last ``seconds``.

    An act that needs a word of its own in Redis to recognise its effect (P3) has it there. An end leaves nothing that could
    hold one, so where it finds nothing to end it asks here whether it was lost on its way.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._noted: OrderedDict[str, float] = OrderedDict()

    def note(self, key: str, failure: Exception | None) -> None:
        """Remember that a command about this key is sent again, if ``failure`` leaves open whether it was done."""
        if not isinstance(failure, LinkLostError) and not (failure and kind_of(failure) == "NOREPLICAS"):
            return
        self._noted[key] = time.monotonic()
        self._noted.move_to_end(key)
        if len(self._noted) > _MOST:
            self._noted.popitem(last=False)

    def __contains__(self, key: str) -> bool:
        noted = self._noted.get(key)
        return noted is not None and time.monotonic() - noted <= self._seconds
