"""Delays against guessing passwords: failures are counted per user and place, per user, and per place.

A user cannot be locked out from elsewhere. At a browser from which this user signed in before (known by a device cookie as
OWASP describes it) only the guesses made there count, and in a network from which they did, only the guesses made there.
"""

import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from service.concurrency.fair_queue import Requester, RequesterGroup
from service.concurrency.turns import Turns
from service.directory.directory import BlockedError
from service.observe.events import Event
from service.protocol.credentials import Kind, hashed, new_secret
from service.protocol.networks import network_of, wide_network_of
from service.redis.connection import KeyedCommand
from service.settings import Settings
from service.store.failures import FailureState, Limit
from service.store.known_places import LIFETIME
from service.store.store import Store

_MOST_WAITING = 20
"""The most guesses at one user from one place that may wait for their turn in a process."""


class Attempt(NamedTuple):
    """One attempt to sign in."""

    username: str
    address: str
    device: str | None = None
    """The cookie of the browser, "" where it has none yet, None where there is no browser."""


class Names(NamedTuple):
    """The names under which an attempt is counted and known. ``browser`` is "" where there is no cookie."""

    browser_failures: str
    failures_here: str
    failures_anywhere: str
    failures_of_network: str
    browser: str
    network: str


class Turn(NamedTuple):
    """An attempt that may be made now."""

    attempt: Attempt
    names: Names
    found: Sequence[Any]
    """The replies to the further steps."""
    states: Sequence[FailureState]
    by_browser: bool
    """Whether this user signed in at this browser before; ``by_network`` in this network."""
    by_network: bool
    renew: bool
    """Whether that has to be written again."""

    @property
    def requester(self) -> Requester:
        """The requester in a queue."""
        group = RequesterGroup.SUSPECTS if self.states[2].failed else RequesterGroup.OTHERS
        if self.by_browser or self.by_network:
            group = RequesterGroup.KNOWN
        return Requester(group, wide_network_of(self.attempt.address))


class GuessLimiter:
    """Counters for one directory. Guesses from one place do not lock the user out at another."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._failures = store.failures
        self._known = store.known_places
        self._connection = store.connection
        self._user_limit = Limit.of(settings, settings.user_failures_allowed)
        self._limits = (
            (Event.USER_BLOCKED, self._user_limit),
            (Event.USER_BLOCKED_EVERYWHERE, Limit.of(settings, settings.user_failures_allowed_anywhere)),
            (Event.ADDRESS_BLOCKED, Limit.of(settings, settings.address_failures_allowed)),
        )
        self._turns = Turns(_MOST_WAITING, "passwords of one user from one place")

    @asynccontextmanager
    async def turn(self, attempt: Attempt, *further: KeyedCommand) -> AsyncIterator[Turn]:
        """Hold the turn of a user and place: of a hundred guesses that arrive together, each sees the count of the one before.

        ``further`` are other steps to be read. One round trip; a second one for a cookie that is not known for this user, which
        must not be a way around the turns of its network. Raises BlockedError, and TemporarilyUnavailable where too many wait.
        """
        names = self._names(attempt)
        if names.browser:
            async with self._turns.turn_of(names.browser_failures):
                turn = await self._look(attempt, names, further)
                if turn.by_browser:
                    yield self._checked(turn)
                    return
        async with self._turns.turn_of(names.failures_here):
            yield self._checked(await self._look(attempt, names, further))

    async def failed(self, turn: Turn) -> None:
        """Count a failure. One round trip."""
        names = turn.names
        if turn.by_browser:
            await self._failures.count(names.browser_failures, self._user_limit)
            return
        counted = (names.failures_here, names.failures_anywhere, names.failures_of_network)
        await self._failures.count_all([(who, limit) for who, (_, limit) in zip(counted, self._limits, strict=True)])

    def succeeded(self, turn: Turn) -> str:
        """Remember the place, and reset this user's failures. Return the cookie for the browser, "" where there is none.

        Failures of the network are not reset, and at a known browser only those made there.
        """
        names, device = turn.names, turn.attempt.device
        own = (names.browser_failures,) if turn.by_browser else (names.failures_here, names.failures_anywhere)
        states = turn.states[3:] if turn.by_browser else turn.states[:2]
        for who, state in zip(own, states, strict=True):
            if state.failed:
                self._failures.forget_soon(who)
        if device == "":
            device = new_secret(Kind.BROWSER_COOKIE, secrets.token_bytes)
        if turn.renew or device != turn.attempt.device:
            self._known.remember_soon(turn.attempt.username, hashed(device) if device else "", names.network)
        return device or ""

    def _checked(self, turn: Turn) -> Turn:
        """Refuse an attempt that has to wait. Raises BlockedError."""
        checked = list(zip(self._limits, turn.states, strict=False))
        if turn.by_browser:
            checked = [(self._limits[0], turn.states[3])]
        elif turn.by_network:
            del checked[1]
        for (event, _), state in checked:
            if state.wait:
                raise BlockedError(state.wait, event)
        return turn

    async def _look(self, attempt: Attempt, names: Names, further: Sequence[KeyedCommand]) -> Turn:
        counted = (names.failures_here, names.failures_anywhere, names.failures_of_network, names.browser_failures)
        steps = [
            *further,
            *self._known.read_steps(attempt.username, names.browser, names.network),
            *(step for who in counted if who for step in self._failures.read_steps(who)),
        ]
        replies = await self._connection.execute_all(steps)
        found, known, counts = replies[: len(further)], replies[len(further) :][:2], replies[len(further) + 2 :]
        states = [self._failures.state(*counts[at : at + 2]) for at in range(0, len(counts), 2)]
        browser_ends, network_ends = map(self._known.ends_at, known)
        soon = time.time() + LIFETIME / 2
        renew = network_ends < soon or (bool(names.browser) and browser_ends < soon)
        return Turn(attempt, names, found, states, bool(names.browser and browser_ends), bool(network_ends), renew)

    def _names(self, attempt: Attempt) -> Names:
        username, network = attempt.username, network_of(attempt.address)
        anywhere, browser = failures_of(self._store, username), hashed(attempt.device) if attempt.device else ""
        return Names(
            browser_failures=f"{anywhere}#{browser}" if browser else "",
            failures_here=f"{anywhere}@{network}",
            failures_anywhere=anywhere,
            failures_of_network=f"address:{network}",
            browser=browser,
            network=self._store.pseudonyms.of("\0".join(("network", username, network))),
        )


def failures_of(store: Store, username: str) -> str:
    """Return the name under which a user's wrong passwords are counted, wherever they come from. It is not reversible."""
    return "user:" + store.pseudonyms.of("user\0" + username)


async def forget_attempts(store: Store, username: str) -> None:
    """Reset a user's failures, and forget their browsers and networks, as their password has changed."""
    await store.failures.forget(failures_of(store, username))
    await store.known_places.forget(username)
