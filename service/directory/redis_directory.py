"""The built-in directory: users in Redis, failures counted per user and per address."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from service.directory.directory import BlockedError, Person
from service.hashing import Hashing
from service.records.user import User
from service.settings import Settings
from service.store.failures import Limit
from service.store.store import Store

MAX_PASSWORD = 1024
"""Characters of a password; longer ones are wrong."""


class RedisDirectory:
    """See ``Directory``. One round trip to read, one after a failure to count it."""

    def __init__(self, store: Store, hashing: Hashing, settings: Settings) -> None:
        self._store = store
        self._hashing = hashing
        delays = (settings.failure_first_delay, settings.failure_longest_delay, settings.failure_memory)
        self._user_limit = Limit(settings.user_failures_allowed, *delays)
        self._address_limit = Limit(settings.address_failures_allowed, *delays)

    async def verify(self, username: str, password: str, address: str) -> Person | None:
        by_user, by_address = failures_of(username), f"address:{network_of(address)}"
        users, failures = self._store.users, self._store.failures
        found, *replies = await self._store.connection.execute_all(
            [users.read_step(username), *failures.read_steps(by_user), *failures.read_steps(by_address)]
        )
        of_user, of_address = failures.state(*replies[:2]), failures.state(*replies[2:])
        for state, event in ((of_user, "user_blocked"), (of_address, "address_blocked")):
            if state.wait:
                raise BlockedError(state.wait, event)
        user = users.read(found)
        if user is not None and await self._is_theirs(user, password):
            if of_user.failed:
                failures.forget_soon(by_user)
            return Person(user.subject, user.username)
        if user is None:
            await self._hashing.verify(password[:MAX_PASSWORD], None)  # as much work as for a user that exists
        await failures.count_all([(by_user, self._user_limit), (by_address, self._address_limit)])
        return None

    async def claims(self, subject: str, scopes: Collection[str]) -> Mapping[str, Any] | None:
        """See ``Directory``: all claims that are kept; two round trips."""
        user = await self._store.users.get_by_subject(subject)
        return user.claims if user is not None and user.enabled else None

    async def _is_theirs(self, user: User, password: str) -> bool:
        """A disabled user costs the same work and gets the same answer as a wrong password."""
        matches = await self._hashing.verify(password[:MAX_PASSWORD], user.password_hash or None)
        return matches and user.enabled and len(password) <= MAX_PASSWORD


def failures_of(username: str) -> str:
    """The name under which a user's wrong passwords are counted."""
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
