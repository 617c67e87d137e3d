"""Numbers of clients, for callers whose data types have no room for a text."""

from hashlib import sha256

from service.redis.connection import Connection
from service.store.keys import Keys
from service.store.record_store import RecordStore

_REMEMBERED = 10_000
"""Numbers that a process remembers to have stored."""
MADE = range(2**52, 2**53)
"""Numbers that we choose."""


def made_number(client_id: str, attempt: int = 0) -> int:
    """The first choice is computed from the client_id; the others are for the case that another client has it."""
    digest = sha256(f"{attempt}\0{client_id}".encode()).digest()
    return MADE.start + int.from_bytes(digest[:8]) % len(MADE)


class ClientNumbers(RecordStore):
    """Numbers in Redis."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        super().__init__(connection, keys)
        self._taken: dict[tuple[str, int], int] = {}

    def taken(self, client_id: str, generation: int) -> int | None:
        """Return the number of a client that this process has stored. No round trip.

        It is remembered by generation, so that a client that was deleted and registered anew gets its number stored anew.
        """
        return self._taken.get((client_id, generation))

    def remember(self, client_id: str, generation: int, number: int) -> None:
        """Remember that this number is stored."""
        if len(self._taken) >= _REMEMBERED:
            self._taken.clear()
        self._taken[client_id, generation] = number

    async def take(self, number: int, client_id: str, *, ends_with_client: bool = False) -> bool:
        """Give a number to a client. Return whether it is the client's, now or from before.

        One round trip; two for a client that has an end, with which the number ends.
        """
        lifetime, record = 0, self._keys.client(client_id)
        if ends_with_client:
            lifetime = max(1, await self._connection.execute(record, "TTL", record))
        return await self._replaced(self._keys.client_number(number), b"", client_id, lifetime, or_same=True)

    async def holder(self, number: int) -> str | None:
        """Return the client_id that has a number. One round trip."""
        key = self._keys.client_number(number)
        data = await self._connection.execute(key, "GET", key)
        return data.decode() if data else None

    async def drop(self, number: int) -> None:
        """Free a number. One round trip."""
        await self._delete(self._keys.client_number(number))
