"""Clients that registered openly, without an operator's leave: places for unused ones, and longer lives for used ones."""

import time
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from service.records.client import Client
from service.redis.connection import Connection
from service.redis.script import Script
from service.settings import Settings
from service.store.bounded_cache import BoundedCache
from service.store.client_numbers import made_number
from service.store.keys import Keys
from service.store.record_store import RecordStore

_RESERVED_FOR = 60
"""Seconds for which a place is reserved until its client is registered: it is lost for so long if Redis goes away meanwhile."""
_AGAIN_AFTER = 86_400.0
"""Seconds after which each process records the use of a client again."""
_REMEMBERED = 10_000
"""Clients whose recorded use a process remembers."""
_REMEMBERED_BYTES = 16 * 1024 * 1024


class ReserveAnswer(StrEnum):
    RESERVED = "reserved"
    NETWORK_FULL = "network_full"
    FULL = "full"


_reserve = Script("reserve_registration", ReserveAnswer)


class Places(NamedTuple):
    """How many clients may wait for their first use, in all and for each network, and for how long (seconds)."""

    most: int
    most_each: int
    lifetime: int

    @classmethod
    def of(cls, settings: Settings) -> "Places":
        """Return the places that the settings allow."""
        each = settings.registration_unused_most_per_network
        return cls(settings.registration_unused_most, each, settings.registration_unused_lifetime)


class SelfRegistrations(RecordStore):
    """The places and lives of openly registered clients. The clock counts monotonic seconds."""

    def __init__(self, connection: Connection, keys: Keys, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(connection, keys)
        self._clock = clock
        self._noted: BoundedCache[float] = BoundedCache(_REMEMBERED, _REMEMBERED_BYTES)

    async def reserve(self, client_id: str, network: str, now: int, places: Places) -> ReserveAnswer:
        """Reserve a place for a client that is about to be registered, for a minute. One round trip.

        ``now`` is in epoch seconds. Where the network is not known (""), only the places in all count.
        """
        answer, _ = await _reserve.run(
            self._connection,
            (self._keys.registrations(), self._keys.registrations_of(network)),
            client_id,
            now,
            now + min(places.lifetime, _RESERVED_FOR),
            now + places.lifetime,
            places.most,
            places.most_each if network else places.most,
        )
        return answer

    def keep_soon(self, client_id: str, network: str, ends_at: int) -> None:
        """Keep the place of a client that is registered now until this epoch second. Does not wait."""
        for places in (self._keys.registrations(), self._keys.registrations_of(network)):
            self._connection.execute_soon(places, ("ZADD", places, "XX", "GT", ends_at, client_id))

    async def unused(self, now: int) -> int:
        """Return how many wait for their first use. ``now`` is in epoch seconds. One round trip."""
        places = self._keys.registrations()
        return int(await self._connection.execute(places, "ZCOUNT", places, now, "+inf"))

    def release_soon(self, client_id: str, network: str) -> None:
        """Free the place of a client that is used, deleted, or was not registered after all. Does not wait."""
        for places in (self._keys.registrations(), self._keys.registrations_of(network)):
            self._connection.execute_soon(places, ("ZREM", places, client_id))

    def note_use(self, client: Client, lifetime: int) -> None:
        """Extend the life of an openly registered client that something is issued to, by ``lifetime`` (seconds) from now on.

        Writes to Redis once a day, and does not wait.
        """
        registration, now = client.registration, self._clock()
        if (
            registration is None
            or not registration.registered_openly
            or now < (self._noted.get(client.client_id) or now)
        ):
            return
        self._noted.put(client.client_id, now + _AGAIN_AFTER, 0)
        number = self._keys.client_number(made_number(client.client_id))
        for key in (self._keys.client(client.client_id), number):
            self._connection.execute_soon(key, ("EXPIRE", key, lifetime), lingers=True)
        self.release_soon(client.client_id, registration.network)

    def adopt_soon(self, client: Client) -> None:
        """Free the place of a client that an operator has taken over, and keep its number. Does not wait."""
        number = self._keys.client_number(made_number(client.client_id))
        self._connection.execute_soon(number, ("PERSIST", number))
        if client.registration is not None:
            self.release_soon(client.client_id, client.registration.network)
