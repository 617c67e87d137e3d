"""Failed authentications: how often each name failed of late, and how long it has to wait. The counters end by themselves."""

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

from service.redis.connection import Connection, KeyedCommand
from service.redis.script import Script
from service.settings import Settings
from service.store.answers import Answer
from service.store.keys import Keys
from service.store.record_store import RecordStore

_REMEMBERED = 10_000
"""Blocked names that a process remembers; Redis remembers all."""


_count = Script("count_failure", Answer)


class Limit(NamedTuple):
    """The bounds of a counter: after ``allowed`` failures come delays that double up to the longest.

    Other members are seconds.
    """

    allowed: int
    first_delay: int
    longest_delay: int
    memory: int

    @classmethod
    def of(cls, settings: Settings, allowed: int) -> "Limit":
        """Return a limit with the delays of the settings."""
        return cls(allowed, settings.failure_first_delay, settings.failure_longest_delay, settings.failure_memory)


class FailureState(NamedTuple):
    """What is stored about one name."""

    wait: int
    """Whole seconds, 0 = not blocked."""
    failed: bool
    """Whether any failure is remembered."""


class Failures(RecordStore):
    """Failure counters in Redis. ``who`` is any text: ``user:alice``, ``address:192.0.2.1``."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        super().__init__(connection, keys)
        self._blocked_here: dict[str, float] = {}

    @property
    def knows_any(self) -> bool:
        """Whether this process has seen any block of late. Mostly not, and then nothing needs to be looked up."""
        return bool(self._blocked_here)

    def known_wait(self, who: str) -> int:
        """Return how many seconds ``who`` has to wait as far as this process has seen. No round trip."""
        until = self._blocked_here.get(who)
        if until is None:
            return 0
        wait = math.ceil(until - time.monotonic())
        if wait <= 0:
            del self._blocked_here[who]
        return max(0, wait)

    def read_steps(self, who: str) -> tuple[KeyedCommand, KeyedCommand]:
        """Return two steps for ``execute_all``; ``state`` reads their replies."""
        blocked, failures = self._keys.blocked(who), self._keys.failures(who)
        return (blocked, ("PTTL", blocked)), (failures, ("EXISTS", failures))

    @staticmethod
    def state(time_left: int, counted: int) -> FailureState:
        """Return the state that the replies to ``read_steps`` describe."""
        return FailureState(-(-time_left // 1000) if time_left > 0 else 0, bool(counted))

    async def count(self, who: str, limit: Limit) -> int:
        """Count a failure. Return how many seconds ``who`` has to wait from now on. One round trip."""
        return (await self.count_all([(who, limit)]))[0]

    async def count_all(self, counted: Sequence[tuple[str, Limit]]) -> list[int]:
        """Count a failure of each name. Return how many seconds each has to wait from now on. One round trip.

        A command that is sent again after a dropped connection counts twice: that errs on the safe side.
        """
        places = [(self._keys.failures(who), self._keys.blocked(who)) for who, _ in counted]
        replies = await self._connection.execute_all(
            [_count.step(self._connection, place, limit) for place, (_, limit) in zip(places, counted, strict=True)]
        )
        waits = []
        for (who, _), reply in zip(counted, replies, strict=True):
            answer, rest = _count.read(reply)
            waits.append(int(rest[0]) if answer is Answer.BLOCKED else 0)
            if waits[-1]:
                self._remember(who, waits[-1])
        return waits

    async def forget(self, who: str) -> None:
        """Reset the counter. One round trip."""
        count, blocked = self._keys.failures(who), self._keys.blocked(who)
        await self._connection.execute(count, "DEL", count, blocked)

    def forget_soon(self, who: str) -> None:
        """Reset the counter after a success, without waiting: if the command is lost, the next success sends it again."""
        count, blocked = self._keys.failures(who), self._keys.blocked(who)
        self._connection.execute_soon(count, ("DEL", count, blocked), lingers=True)

    def _remember(self, who: str, seconds: int) -> None:
        self._blocked_here.pop(who, None)
        while len(self._blocked_here) >= _REMEMBERED:  # a client that fills it must not keep the next ones out of it
            del self._blocked_here[next(iter(self._blocked_here))]
        self._blocked_here[who] = time.monotonic() + seconds
