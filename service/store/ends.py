"""When keys end: Redis keeps the time (P4), and tells it in one way since version 7 and in another one before."""

from service.redis.connection import Connection, KeyedCommand
from service.redis.errors import StoreError
from service.redis.link import RedisReply, Word

NEVER = 0
"""The second for "never ends"."""
_GONE = -2
"""The reply of PTTL and EXPIRETIME about a key that is not there."""


async def read_with_end(connection: Connection, key: str, *command: Word) -> tuple[RedisReply, int | None]:
    """Return the reply to a command about a key, and when that ends: epoch seconds, 0 = never, None = it is not there.

    One round trip. Raises what ``Connection.execute`` does.
    """
    if connection.has_expiretime:
        try:
            reply, end = await connection.execute_all([(key, command), (key, ("EXPIRETIME", key))])
            return reply, None if end == _GONE else max(end, NEVER)
        except StoreError as error:
            if "unknown command" not in str(error):
                raise
            connection.has_expiretime = False  # an older server has taken the place of the one that had it
    reply, left, now = await connection.execute_all([(key, command), *end_steps(key)])
    return reply, None if left == _GONE else ends_at(left, now)


def end_steps(key: str) -> list[KeyedCommand]:
    """Return steps for ``execute_all`` that read when a key ends; ``ends_at`` takes their two replies."""
    return [(key, ("PTTL", key)), (key, ("TIME",))]


def ends_at(left: int, now: list[bytes]) -> int:
    """Return the epoch second at which a key ends, by its PTTL and the TIME of Redis; 0 = never."""
    return round((int(now[0]) * 1000 + int(now[1]) / 1000 + left) / 1000) if left >= 0 else NEVER
