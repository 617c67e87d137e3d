"""Servers that gave no answer of late: a delivery to one of them must not hold up those to others until it times out."""

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from service.outbound.http_client import HttpClientBusyError, HttpClientError, HttpResponse

_SLOW = 1.0
"""Seconds after which a call that failed has held up others."""
_FIRST_PAUSE, _LONGEST_PAUSE = 15.0, 60.0
_REMEMBERED = 1000


class _Silence(NamedTuple):
    """Until when (monotonic seconds) a URL is not called, and how many seconds that were."""

    until: float
    pause: float


class SilentServers:
    """The URLs of clients that this process does not call for a while. The clock counts monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._silent: dict[str, _Silence] = {}

    async def call(self, url: str, call: Callable[[], Awaitable[HttpResponse]]) -> HttpResponse:
        """Call this URL, unless it is silent; after its pause one call tries.

        Raises HttpClientError where it is silent, or as the call does.
        """
        began, silence = self._clock(), self._silent.get(url)
        if silence is not None:
            if began < silence.until:
                raise HttpClientError("it gave no answer a moment ago")
            self._keep(url, silence.pause)
        try:
            response = await call()
        except HttpClientBusyError:
            raise
        except HttpClientError:
            if self._clock() - began >= _SLOW:
                self._keep(url, min(2 * silence.pause, _LONGEST_PAUSE) if silence else _FIRST_PAUSE)
            raise
        self._silent.pop(url, None)
        return response

    def _keep(self, url: str, pause: float) -> None:
        self._silent.pop(url, None)
        while len(self._silent) >= _REMEMBERED:
            del self._silent[next(iter(self._silent))]
        self._silent[url] = _Silence(self._clock() + pause, pause)
