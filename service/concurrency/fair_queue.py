"""A bounded queue for scarce work, in which groups take turns, and within a group networks do.

A requester with a thousand connections only delays itself, and none waits longer than the patience of the queue.
"""

import asyncio
from collections import deque
from enum import StrEnum
from typing import NamedTuple

from service.protocol.errors import TemporarilyUnavailable


class RequesterGroup(StrEnum):
    """The group of a requester. Each has places of its own, and its turn while any of it waits."""

    OPERATORS = "operators"
    CLIENTS = "clients"
    KNOWN = "known"
    """Users at a browser or network from which they signed in before, and clients' secrets that were right before."""
    OTHERS = "others"
    SUSPECTS = "suspects"
    """Networks from which something failed of late."""


class Requester(NamedTuple):
    """A requester that waits for a turn."""

    group: RequesterGroup = RequesterGroup.OPERATORS
    network: str = ""
    """The wide network (see ``protocol.networks``)."""


_Waiter = asyncio.Future[None]


class _Line:
    """Waiting requesters of one group, by network; the first network is the next one."""

    def __init__(self) -> None:
        self.networks: dict[str, deque[_Waiter]] = {}
        self.size = 0

    def add(self, network: str, waiter: _Waiter) -> None:
        self.networks.setdefault(network, deque()).append(waiter)
        self.size += 1

    def remove(self, network: str, waiter: _Waiter) -> None:
        waiters = self.networks.get(network, deque())
        if waiter in waiters:
            waiters.remove(waiter)
            self.size -= 1
        if not waiters:
            self.networks.pop(network, None)

    def pop(self) -> _Waiter:
        """Remove and return the next one; its network goes to the end."""
        network, waiters = next(iter(self.networks.items()))
        waiter = waiters.popleft()
        self.size -= 1
        del self.networks[network]
        if waiters:
            self.networks[network] = waiters
        return waiter

    def drop_of_longest(self, than: str) -> _Waiter | None:
        """Remove and return the last one of the longest network, if that has more than ``than`` would have with another one."""
        longest = max(self.networks, key=lambda name: len(self.networks[name]))
        if len(self.networks[longest]) <= len(self.networks.get(than, ())) + 1:
            return None
        waiter = self.networks[longest][-1]
        self.remove(longest, waiter)
        return waiter


class FairQueue:
    """A queue for turns."""

    def __init__(self, at_once: int, most: int, patience: float, what: str) -> None:
        """Make an empty queue.

        Args:
            at_once: How many have their turn at the same time.
            most: How many of a group may wait.
            patience: Seconds that a requester may wait.
            what: What is waited for, in the log.
        """
        self._free = at_once
        self._most = most
        self._patience = patience
        self._what = what
        self._lines: dict[RequesterGroup, _Line] = {}

    async def take(self, requester: Requester) -> None:
        """Wait for a turn; call ``release`` after it. Raises TemporarilyUnavailable where too many wait, or for too long."""
        if self._free:
            self._free -= 1
            return
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        line = self._join(requester, waiter)
        try:
            async with asyncio.timeout(self._patience):
                await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.release()  # the turn came at the very moment
            line.remove(requester.network, waiter)
            if isinstance(error, TimeoutError):
                raise self._busy("waited too long") from error
            raise

    def release(self) -> None:
        """Give the turn to the next one."""
        while self._lines:
            group = next(iter(self._lines))
            line = self._lines.pop(group)
            waiter = line.pop() if line.size else None
            if line.size:
                self._lines[group] = line
            if waiter is not None and not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1

    def _join(self, requester: Requester, waiter: _Waiter) -> _Line:
        """Make room in a full group: the network that has most waiting gives up a place, unless it is the requester's."""
        line = self._lines.setdefault(requester.group, _Line())
        if line.size >= self._most:
            dropped = line.drop_of_longest(requester.network)
            if dropped is None:
                raise self._busy("too many are waiting")
            if not dropped.done():
                dropped.set_exception(self._busy("too many of one network are waiting"))
        line.add(requester.network, waiter)
        return line

    def _busy(self, why: str) -> TemporarilyUnavailable:
        return TemporarilyUnavailable(log=f"{self._what}: {why}")
