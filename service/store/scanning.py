"""Scans of many keys in bounded steps, and facts about Redis: for operators, never for requests."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from service.protocol.errors import TemporarilyUnavailable
from service.records.access_token import AccessToken
from service.records.grant import Grant
from service.records.refresh_token import RefreshToken
from service.redis.connection import KeyedCommand
from service.redis.errors import LinkLostError, ReplyError, kind_of
from service.redis.link import Link, RedisReply
from service.store import grants
from service.store.ends import end_steps, ends_at
from service.store.record_store import RecordStore

CHUNK = 500
"""Keys that one command looks at: few enough for Redis to answer others in between."""

_CURSOR = re.compile("[0-9]{1,20}", re.ASCII)


class LivingCredential(NamedTuple):
    """A living credential of a grant."""

    kind: str  # access, refresh or code
    hash: str  # in its key, of no use as a credential
    issued_at: int  # epoch seconds, 0 = not stored
    ends_at: int  # epoch seconds, 0 = never
    scope: str | None  # None = the grant's
    used: bool  # it is spent and only remembered


class ScannedGrants(NamedTuple):
    """The grants among some keys."""

    grants: list[Grant]
    keys: int  # how many were scanned
    cursor: str  # the next cursor, empty at the end


class RedisServer(NamedTuple):
    """Facts about one primary."""

    endpoint: str
    keys: int | None  # DBSIZE, None where our rights do not allow it
    facts: Mapping[str, str]  # INFO, empty where our rights do not allow it
    version: str


class Scanning(RecordStore):
    """Scans of keys."""

    async def issued(self, grant_id: str, cursor: str, count: int) -> tuple[list[LivingCredential], str]:
        """Return living credentials of a grant among the next ``count`` keys of its server, and the cursor, empty at the end.

        Raises ValueError for an invalid cursor.
        """
        if not _CURSOR.fullmatch(cursor or "0") or int(cursor or 0) >= 2**64:
            raise ValueError(f"{cursor!r} is not a cursor")
        place, position, found = self._keys.grant(grant_id), cursor or "0", dict[str, None]()
        for _ in range(max(1, count // CHUNK)):
            step = ("SCAN", position, "MATCH", f"{place}:*", "COUNT", CHUNK)
            after, names = await self._connection.execute(place, *step)
            found |= dict.fromkeys(name.decode() for name in names)
            position = after.decode()
            if position == "0":
                break
        return await self._read_issued(list(found)), "" if position == "0" else position

    async def _read_issued(self, names: list[str]) -> list[LivingCredential]:
        matches = [match for name in names if (match := self._keys.issued_key.fullmatch(name))]
        steps: list[KeyedCommand] = [
            step for match in matches for step in ((match[0], ("GET", match[0])), *end_steps(match[0]))
        ]
        replies = iter(await self._connection.execute_all(steps))
        read = (
            _issued(match, data, ends_at(left, now))
            for match, data, left, now in zip(matches, replies, replies, replies, strict=True)
        )
        return [one for one in read if one is not None]

    async def grants(self, cursor: str) -> ScannedGrants:
        """Return the grants among the next ``CHUNK`` keys of all. Raises ValueError for an invalid cursor."""
        names, following = await self._connection.scan("*", cursor, CHUNK)
        holding = [name for name in names if self._keys.grant_key.fullmatch(name)]
        records = await self._read_all(holding)
        read = (grants.inline_or_whole(name, data) for name, data in zip(holding, records, strict=True))
        return ScannedGrants([grant for grant in read if grant is not None], len(names), following)

    async def servers(self) -> list[RedisServer]:
        """Return facts about every primary. Raises TemporarilyUnavailable."""
        return [await _server(link) for link in await self._connection.links()]


async def _server(link: Link) -> RedisServer:
    size, info = await _allowed(link, "DBSIZE"), await _allowed(link, "INFO")
    lines = info.decode("utf-8", "replace").splitlines() if info else []
    facts = dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))
    return RedisServer(str(link.endpoint), size, facts, ".".join(map(str, link.version)))


async def _allowed(link: Link, command: str) -> RedisReply:
    """Return the reply; None where the Redis user may not ask. Raises TemporarilyUnavailable."""
    try:
        return await link.send([command])
    except ReplyError as error:
        if kind_of(error) == "NOPERM":
            return None
        raise TemporarilyUnavailable(log=f"Redis: {error}") from error
    except LinkLostError as error:
        raise TemporarilyUnavailable(log=f"Redis: {error}") from error


def _issued(match: re.Match[str], data: bytes | None, ends_at: int) -> LivingCredential | None:
    """Return the credential under a key; None where it ended meanwhile."""
    kind, held_under = match[1], match[2]
    if data is None:
        return None
    if data.startswith((b"used:", b"spent:")):
        return LivingCredential(kind, held_under, 0, ends_at, None, used=True)
    if kind == "access":
        token = AccessToken.decode(data)
        return LivingCredential(kind, held_under, token.issued_at, ends_at, token.scope, used=False)
    issued_at = RefreshToken.decode(data).issued_at if kind == "refresh" else 0
    return LivingCredential(kind, held_under, issued_at, ends_at, None, used=False)
