"""Numbers of clients, for callers whose data types have no room for a text: which client has which."""

from hashlib import sha256

from service.redis.connection import Connection
from service.store.keys import Keys
from service.store.record_store import RecordStore

_REMEMBERED = 10_000
"""Numbers that a process remembers to have written down."""
MADE = range(2**52, 2**53)
"""Numbers that we make."""


def made_number(client_id: str, attempt: int = 0) -> int:
    """One that is made from the client_id; the next ones are for the case that another client has it."""
    digest = sha256(f"{attempt}\0{client_id}".encode()).digest()
    return MADE.start + int.from_bytes(digest[:8]) % len(MADE)


class ClientNumbers(RecordStore):
    """Numbers in Redis."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        super().__init__(connection, keys)
        self._taken: dict[tuple[str, int], int] = {}

    def taken(self, client_id: str, generation: int) -> int | None:
        """Return the number of a client that this process has written down. No round trip.

        It is kept by generation, so that a client that was deleted and registered anew is written down anew.
        """
        return self._taken.get((client_id, generation))

    def remember(self, client_id: str, generation: int, number: int) -> None:
        """It need not be written down again."""
        if len(self._taken) >= _REMEMBERED:
            self._taken.clear()
        self._taken[client_id, generation] = number

    async def take(self, number: int, client_id: str, *, ends_with_client: bool = False) -> bool:
        """Give a number to a client; whether it is this client's now, or was before.

        One round trip; two for a client that has an end, with which the number ends.
        """
        lifetime, record = 0, self._keys.client(client_id)
        if ends_with_client:
            lifetime = max(1, await self._connection.execute(record, "TTL", record))
        return await self._replaced(self._keys.client_number(number), b"", client_id, lifetime)

    async def holder(self, number: int) -> str | None:
        """The client_id behind a number. One round trip."""
        key = self._keys.client_number(number)
        data = await self._connection.execute(key, "GET", key)
        return data.decode() if data else None

    async def drop(self, number: int) -> None:
        """No client has it any more. One round trip."""
        await self._delete(self._keys.client_number(number))
