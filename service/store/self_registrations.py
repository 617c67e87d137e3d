"""Clients that strangers registered: places for those that are not used yet, and longer lives for those that are."""

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

_AGAIN_AFTER = 86_400.0
"""Seconds after which a use of a client is noted again, by each process."""
_REMEMBERED = 10_000
"""Clients whose use a process remembers to have noted."""
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
        """As the settings have it."""
        each = settings.registration_unused_most_per_network
        return cls(settings.registration_unused_most, each, settings.registration_unused_lifetime)


class SelfRegistrations(RecordStore):
    """What is kept of strangers' clients beside the clients. The clock counts monotonic seconds."""

    def __init__(self, connection: Connection, keys: Keys, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(connection, keys)
        self._clock = clock
        self._noted: BoundedCache[float] = BoundedCache(_REMEMBERED, _REMEMBERED_BYTES)

    async def reserve(self, client_id: str, network: str, now: int, places: Places) -> ReserveAnswer:
        """Take a place for a client that is about to be registered. One round trip.

        ``now`` is in epoch seconds. Where the network is not known (""), only the places in all count.
        """
        answer, _ = await _reserve.run(
            self._connection,
            (self._keys.registrations(), self._keys.registrations_of(network)),
            client_id,
            now,
            now + places.lifetime,
            places.most,
            places.most_each if network else places.most,
        )
        return answer

    async def unused(self, now: int) -> int:
        """How many wait for their first use. ``now`` is in epoch seconds. One round trip."""
        places = self._keys.registrations()
        return int(await self._connection.execute(places, "ZCOUNT", places, now, "+inf"))

    def release_soon(self, client_id: str, network: str) -> None:
        """Its place is free: it is used, deleted, or was not registered after all. Does not wait."""
        for places in (self._keys.registrations(), self._keys.registrations_of(network)):
            self._connection.execute_soon(places, ("ZREM", places, client_id))

    def note_use(self, client: Client, lifetime: int) -> None:
        """Note that something is issued to a client: a stranger's is kept for ``lifetime`` (seconds) from now on.

        Asks Redis once a day, and does not wait.
        """
        registration, now = client.registration, self._clock()
        if registration is None or not registration.is_stranger or now < (self._noted.get(client.client_id) or now):
            return
        self._noted.put(client.client_id, now + _AGAIN_AFTER, 0)
        number = self._keys.client_number(made_number(client.client_id))
        for key in (self._keys.client(client.client_id), number):
            self._connection.execute_soon(key, ("EXPIRE", key, lifetime), lingers=True)
        self.release_soon(client.client_id, registration.network)

    def adopt_soon(self, client: Client) -> None:
        """A stranger's client has become an operator's: it takes no place, and its number stays. Does not wait."""
        number = self._keys.client_number(made_number(client.client_id))
        self._connection.execute_soon(number, ("PERSIST", number))
        if client.registration is not None:
            self.release_soon(client.client_id, client.registration.network)
