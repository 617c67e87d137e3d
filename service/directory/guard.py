"""Guessing passwords is slow: failures are counted per user and place, per user, and per place, with growing delays."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from service.directory.directory import BlockedError
from service.protocol.errors import TemporarilyUnavailable
from service.settings import Settings
from service.store.connection import Step
from service.store.failures import Limit, State
from service.store.store import Store

_MOST_WAITING = 20
"""Guesses at one user from one place that may wait for their turn in a process."""


class Attempt(NamedTuple):
    """Somebody tries to be ``username`` from ``address``."""

    username: str
    address: str

    @property
    def here(self) -> str:
        """The name under which this user's failures from this place are counted."""
        return f"{failures_of(self.username)}@{network_of(self.address)}"


class Guard:
    """Counts for one directory. Who guesses from one place does not lock the user out at another."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._failures = store.failures
        self._connection = store.connection
        self._limits = (
            ("user_blocked", Limit.of(settings, settings.user_failures_allowed)),
            ("user_blocked_everywhere", Limit.of(settings, settings.user_failures_allowed_anywhere)),
            ("address_blocked", Limit.of(settings, settings.address_failures_allowed)),
        )
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def turn(self, attempt: Attempt) -> AsyncIterator[None]:
        """One at a time: of a hundred guesses that arrive together, each sees what the one before it counted.

        Raises TemporarilyUnavailable where too many wait.
        """
        lock, waiting = self._turns.get(attempt.here, (asyncio.Lock(), 0))
        if waiting >= _MOST_WAITING:
            raise TemporarilyUnavailable(log="too many passwords at once for one user from one place")
        self._turns[attempt.here] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns.pop(attempt.here)
            if waiting > 1:
                self._turns[attempt.here] = (lock, waiting - 1)

    def steps(self, attempt: Attempt) -> list[Step]:
        """What to read before a password is looked at; the replies are for ``check``."""
        return [step for who in self._names(attempt) for step in self._failures.read_steps(who)]

    async def read(self, attempt: Attempt) -> Sequence[Any]:
        """The replies to ``steps``, where nothing else is read beside them. One round trip."""
        return await self._connection.execute_all(self.steps(attempt))

    def check(self, replies: Sequence[Any]) -> bool:
        """Whether there were failures before. Raises BlockedError."""
        states: list[State] = [self._failures.state(*replies[at : at + 2]) for at in range(0, len(replies), 2)]
        for (event, _), state in zip(self._limits, states, strict=True):
            if state.wait:
                raise BlockedError(state.wait, event)
        return any(state.failed for state in states[:2])

    async def failed(self, attempt: Attempt) -> None:
        """Count a failure. One round trip."""
        limits = (limit for _, limit in self._limits)
        await self._failures.count_all(list(zip(self._names(attempt), limits, strict=True)))

    def succeeded(self, attempt: Attempt) -> None:
        """Forget this user's failures, here and anywhere; not those of the place."""
        for who in self._names(attempt)[:2]:
            self._failures.forget_soon(who)

    def _names(self, attempt: Attempt) -> tuple[str, str, str]:
        return attempt.here, failures_of(attempt.username), f"address:{network_of(attempt.address)}"


def failures_of(username: str) -> str:
    """The name under which a user's wrong passwords are counted, wherever they come from."""
    return f"user:{username}"


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """An IPv4 address as it is, an IPv6 one as its /64: whoever has one address has them all."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped:  # ::ffff:192.0.2.1: its /64 would be all of IPv4
        return str(parsed.ipv4_mapped)
    return str(ip_network(f"{address.partition('%')[0]}/64", strict=False))
