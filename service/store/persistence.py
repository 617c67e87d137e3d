"""Whether a restart of Redis would restore what was revoked.

Redis keeps what a script does in its append-only file as MULTI … EXEC. From version 7 until a recent fix (redis/redis#14541,
valkey-io/valkey#3983) it replays that at its start with the rights of the user ``default``. If those were taken away, as
hardening guides advise, all of it is dropped, with a line in the log of Redis only: redemptions, rotations and revocations
since the last rewrite of the file are undone. Scripts that write one key once are not kept as a transaction and survive. Ours
must change several keys as one, so the rights of ``default`` are what has to be mended.
"""

from enum import Enum

from service.redis.errors import ReplyError
from service.redis.link import Link, RedisReply

CURE = "ACL SETUSER default ~* &* +@all"
REDIS_SINCE, VALKEY_UNTIL = (7, 0), (9, 1)
"""Versions that tests have proved to replay whatever ``default`` may do: Redis 6.2 and Valkey 9.1.

Others are not trusted to.
"""

_GROUPS_OF_OURS = ("all", "write", "keyspace", "string", "hash", "set", "sortedset", "stream", "fast", "slow")
_ALL_OF_OURS = ("all", "write")
_OURS = (
    *("set", "del", "expire", "expireat", "pexpireat", "persist", "incr"),
    *("zadd", "zrem", "hset", "hdel", "xadd", "sadd"),
)


class Replay(Enum):
    """What a restart would do to the effects of scripts."""

    SAFE = "safe"
    LOSES = "loses"
    UNKNOWN = "unknown"


async def look_at_replay(link: Link, facts: dict[str, str], keys: str) -> Replay:
    """Find out what a restart would do.

    Args:
        link: To the server.
        facts: The reply to INFO, or to CONFIG GET.
        keys: The pattern of our keys.

    Raises:
        LinkLostError: The server is gone.
    """
    proved = link.version >= VALKEY_UNTIL if link.server == "valkey" else link.version < REDIS_SINCE
    if proved or facts.get("aof_enabled", "0") != "1":
        return Replay.SAFE
    try:
        reply = await link.send(["ACL", "GETUSER", "default"])
    except ReplyError:
        return Replay.UNKNOWN
    user = dict(zip(reply[::2], reply[1::2], strict=True)) if reply else {}
    commands, patterns = _text(user.get(b"commands")), _text(user.get(b"keys"), "~")
    return Replay.SAFE if _may_replay(commands, patterns, keys) else Replay.LOSES


def _text(reply: RedisReply, sign: str = "") -> str:
    """Redis 7: ``~* ~a:*``; Redis 6.2: a list of patterns without their sign."""
    if isinstance(reply, list):
        return " ".join(sign + pattern.decode() for pattern in reply)
    return (reply or b"").decode()


def _may_replay(commands: str, patterns: str, keys: str) -> bool:
    """Whether a user with these rules may write all of our keys. Rules that are finer than we read count as no."""
    may = False
    for rule in commands.split():
        given, name = rule[0] == "+", rule[1:].removeprefix("@")
        if rule[1:2] == "@" and given and name in _ALL_OF_OURS:
            may = True
        elif not given and (name in _GROUPS_OF_OURS if rule[1:2] == "@" else name in _OURS):
            may = False
    return may and not {"~*", f"~{keys}"}.isdisjoint(patterns.split())
