"""What every kind of record needs to be kept."""

from service.redis.connection import Connection
from service.store.keys import Keys


class RecordStore:
    """One kind of record in Redis."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys
