"""The rights that the Redis user needs, tried out at the start, so that no request finds one missing.

Each right is tried by a command that changes nothing: on a key without meaning, which ends by itself and holds a plain string,
so that commands for other types fail by their type after their rights were checked. This needs no right of its own and works on
every version, while ACL DRYRUN is for administrators and came with Redis 7. In a Cluster rights are checked before slots, so
any server can be asked about any key.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from service.redis.address import Address
from service.redis.confirming_link import touch_key
from service.redis.connection import REDIS_7
from service.redis.errors import LinkLostError, ReplyError, kind_of
from service.redis.handshake import connect
from service.redis.link import Link, Word
from service.settings.redis_url import Topology
from service.store.keys import Keys

_NAME = "rights-check"
_SECONDS = 60
_SHOWN = 12


def _commands(key: str) -> list[tuple[Word, ...]]:
    """Commands of scripts and plain ones, on a string: those for other types change nothing."""
    return [
        ("SET", key, "", "EX", _SECONDS),
        ("GET", key),
        ("MGET", key),
        ("GETRANGE", key, 0, 0),
        ("SETRANGE", key, 0, ""),
        ("STRLEN", key),
        ("EXISTS", key),
        ("INCR", key),
        ("INCRBY", key, 0),
        ("TTL", key),
        ("PTTL", key),
        ("PERSIST", f"{key}:none"),
        ("EXPIRE", key, _SECONDS),
        ("EXPIREAT", f"{key}:none", 1),
        ("PEXPIRE", key, _SECONDS * 1000),
        ("HSET", key, "a", ""),
        ("HGET", key, "a"),
        ("HMGET", key, "a"),
        ("HGETALL", key),
        ("HDEL", key, "a"),
        ("HINCRBY", key, "a", 0),
        ("SADD", key, "a"),
        ("SMEMBERS", key),
        ("ZADD", key, 0, "a"),
        ("ZCARD", key),
        ("ZCOUNT", key, 0, 0),
        ("ZRANGE", key, 0, 0),
        ("ZRANGEBYSCORE", key, 0, 0),
        ("ZREM", key, "a"),
        ("ZREMRANGEBYRANK", key, 0, 0),
        ("ZREMRANGEBYSCORE", key, 0, 0),
        ("ZSCAN", key, 0),
        ("ZSCORE", key, "a"),
        ("XADD", key, "*", "a", ""),
        ("XDEL", key, "0-1"),
        ("XRANGE", key, "-", "+", "COUNT", 1),
        ("XREVRANGE", key, "+", "-", "COUNT", 1),
        ("TIME",),
        ("PING",),
        ("SCAN", 0, "MATCH", key, "COUNT", 1),
        ("EVAL", "return 1", 0),
        ("EVALSHA", "0" * 40, 0),
        ("SCRIPT", "LOAD", "return 1"),
        ("DEL", key),
    ]


def _published(keys: Keys) -> tuple[tuple[Word, ...], ...]:
    """A message without content."""
    return ("PUBLISH", keys.changes, '{"clients":[]}'), ("PUBLISH", keys.ended, keys.grant(_NAME))


def _since_7(key: str) -> list[tuple[Word, ...]]:
    return [("EXPIRETIME", key)]


_IN_CLUSTER: tuple[tuple[Word, ...], ...] = (("CLUSTER", "SLOTS"), ("ASKING",))
_UNKNOWN = "the dashboard and the statistics do not know how Redis is"
OPTIONAL: dict[tuple[Word, ...], str] = {
    ("INFO", "server"): _UNKNOWN,
    ("DBSIZE",): f"{_UNKNOWN}, nor how many grants there are in a large one",
}
"""Optional commands, and what is lost without each."""


class Missing(NamedTuple):
    """Rights that a Redis user lacks: commands as ACL rules name them (``script|load``), keys and channels."""

    commands: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.commands or self.keys or self.channels)

    def __str__(self) -> str:
        kinds = (("commands", self.commands), ("keys", self.keys), ("channels", self.channels))
        more = {kind: f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "" for kind, names in kinds}
        return "; ".join(f"{kind} {', '.join(names[:_SHOWN])}{more[kind]}" for kind, names in kinds if names)

    def rules(self, everything: str) -> str:
        """Return the ACL rules that grant them, where ``everything`` is the pattern of our keys and channels."""
        patterns = [f"{sign}{everything}" for sign, names in (("~", self.keys), ("&", self.channels)) if names]
        return " ".join([*patterns, *(f"+{name}" for name in self.commands)])


async def look_for_missing(address: Address, link: Link, keys: Keys, *, listens: bool, waits: bool) -> Missing:
    """Return the rights that the service needs and the user of ``link`` lacks.

    The rights to listen to messages of other processes and to wait for replicas are needed only where the service does that.

    Raises:
        LinkLostError: The server is gone.
    """
    key = keys.grant(_NAME)
    commands = [
        *_commands(key),
        *(_since_7(key) if link.version >= REDIS_7 else ()),
        *(_IN_CLUSTER if address.topology is Topology.CLUSTER else ()),
        *((("WAIT", 0, 1),) if waits else ()),
        *_published(keys),
    ]
    named = [*keys.of_every_kind(_NAME), touch_key(keys.client(_NAME))]
    touched: list[tuple[Word, ...]] = [step for key in named for step in (("GET", key), ("ZREM", key, ""))]
    refused = await _tried(link, [*commands, *touched])
    if listens:
        refused |= await _subscribed(address, link, (keys.changes, keys.ended))
    return _sorted(refused)


async def missing_optional(link: Link) -> dict[str, str]:
    """Return the commands of ``OPTIONAL`` that the user may not send, with what is lost. Raises LinkLostError."""
    refused = await _tried(link, list(OPTIONAL))
    return {_name(command): OPTIONAL[command] for command in refused}


_Refused = dict[tuple[Word, ...], str]


async def _tried(link: Link, commands: Sequence[tuple[Word, ...]]) -> _Refused:
    """Return the commands among these that the user may not send, with the reply of Redis."""
    futures = [link.send(command) for command in commands]
    refused: _Refused = {}
    lost: LinkLostError | None = None
    for command, future in zip(commands, futures, strict=True):
        try:
            await future
        except ReplyError as error:
            if kind_of(error) == "NOPERM" or str(error).startswith("ERR unknown command"):  # renamed away
                refused[command] = str(error)
        except LinkLostError as error:
            lost = error
    if lost is not None:
        raise lost
    return refused


async def _subscribed(address: Address, link: Link, channels: tuple[str, ...]) -> _Refused:
    """Try SUBSCRIBE on a connection of its own, which is of no other use afterwards."""
    listener = await connect(address, link.endpoint, make=lambda place, timeout: Link(place, timeout))
    try:
        return await _tried(listener, [("SUBSCRIBE", channel) for channel in channels])
    finally:
        listener.close()


def _sorted(refused: _Refused) -> Missing:
    commands: dict[str, None] = {}
    names: dict[str, None] = {}
    channels: dict[str, None] = {}
    for command, reason in refused.items():
        if re.search(r"a channel|the channels", reason):
            channels[str(command[1])] = None
        elif re.search(r"a key|the keys", reason):
            names[str(command[2] if command[0] == "SCAN" else command[1])] = None
        else:
            commands[_name(command)] = None
    return Missing(tuple(commands), tuple(names), tuple(channels))


def _name(command: tuple[Word, ...]) -> str:
    with_subcommand = command[0] in ("SCRIPT", "CLUSTER", "CONFIG", "ACL")
    return "|".join(str(word).lower() for word in command[: 2 if with_subcommand else 1])
