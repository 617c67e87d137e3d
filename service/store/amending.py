"""Grants and tokens changed in their place, by those who run the service: scope, properties, until when."""

from enum import StrEnum
from typing import NamedTuple

from service.protocol.credentials import GRANT_ID_LENGTH
from service.records.access_token import AccessToken
from service.records.grant import Grant
from service.redis.connection import Connection
from service.redis.script import Script
from service.store import grants
from service.store.indexing import Indexing, Place
from service.store.keys import Keys
from service.store.user_index import Kin


class AmendAnswer(StrEnum):
    AMENDED = "amended"
    CHANGED = "changed"
    ENDED = "ended"


_amend = Script(
    "amend_grant",
    ("grant", "access_token", "refresh_token"),
    ("seen_grant", "grant_record", "seen_access", "access_record", "access_ends", "refresh_ends", "grant_ends"),
    AmendAnswer,
    confirmed=True,
)
SCRIPTS = (_amend,)


class Held(NamedTuple):
    """A living grant as it is kept now, with one of its access tokens where that was asked for.

    ``seen_grant``: empty where the token holds its grant itself (client_credentials); ``seen_access``: empty where no token
    was asked for; ``refresh_hash``: of the live refresh token, empty for none. ``…_ends_at``: epoch seconds, 0 = never.
    """

    grant_id: str
    grant: Grant
    seen_grant: bytes
    grant_ends_at: int
    access_hash: str = ""
    access: AccessToken | None = None
    seen_access: bytes = b""
    access_ends_at: int = 0
    refresh_hash: str = ""
    refresh_ends_at: int = 0


class Amended(NamedTuple):
    """What is to stand in the place of what was held. ``…_ends_at``: epoch seconds, None = as it is."""

    grant: Grant
    access: AccessToken | None
    access_ends_at: int | None = None
    refresh_ends_at: int | None = None


class Amending:
    """Changes of what was granted, in Redis."""

    def __init__(self, connection: Connection, keys: Keys, indexing: Indexing) -> None:
        self._connection = connection
        self._keys = keys
        self._grants = grants.Grants(connection, keys)
        self._indexing = indexing

    async def read(self, grant_id: str, access_hash: str = "") -> Held | None:
        """A living grant, and its access token of this hash; None where either is gone. Three round trips."""
        grant_key, access_key = self._keys.grant(grant_id), self._keys.access_token(grant_id, access_hash)
        (seen_grant, seen_access), grant_left, access_left, now = await self._connection.execute_all(
            [
                (grant_key, ("MGET", grant_key, access_key)),
                (grant_key, ("PTTL", grant_key)),
                (grant_key, ("PTTL", access_key)),
                (grant_key, ("TIME",)),
            ]
        )
        access = AccessToken.decode(seen_access) if access_hash and seen_access else None
        grant = grants.decode(seen_grant) or (access.grant if access else None)
        if grant is None or (access_hash and access is None):
            return None
        held = Held(
            grant_id,
            grant,
            seen_grant or b"",
            grants.ends_at(grant_left, now),
            access_hash,
            access,
            seen_access or b"",
            grants.ends_at(access_left, now) if access else 0,
        )
        return await self._with_refresh_token(held)

    async def _with_refresh_token(self, held: Held) -> Held:
        if not held.seen_grant:
            return held
        (live,) = await self._grants.live_refresh_tokens([held.grant_id])
        return held._replace(refresh_hash=live.hash, refresh_ends_at=live.ends_at) if live else held

    async def write(self, held: Held, amended: Amended) -> AmendAnswer:
        """Put the new records in the place of those that were read, if nobody changed them since (P6). One round trip.

        ENDED, too, where the user is disabled: what they granted is ended then.
        """
        is_alone = not held.seen_grant
        grant_ends_at = _grant_end(held, amended)
        step = _amend.step(
            self._connection,
            (
                self._keys.grant(held.grant_id),
                self._keys.access_token(held.grant_id, held.access_hash),
                self._keys.refresh_token(held.grant_id, held.refresh_hash),
            ),
            (
                held.seen_grant,
                b"" if is_alone else grants.encode(amended.grant, held.seen_grant[:GRANT_ID_LENGTH].decode()),
                held.seen_access,
                b"" if amended.access is None else amended.access.encode(),
                _word(amended.access_ends_at),
                _word(amended.refresh_ends_at if held.refresh_hash else None),
                _word(grant_ends_at or None),
            ),
        )
        kin, subject = Kin.LASTING if held.refresh_hash else Kin.UNCOUNTED, "" if is_alone else amended.grant.subject
        place = Place(held.grant_id, subject, amended.grant.client_id, kin, grant_ends_at)
        reply = await self._indexing.swap(step, place)
        return AmendAnswer.ENDED if reply is None else _amend.read(reply)[0]


def _grant_end(held: Held, amended: Amended) -> int:
    """When the last thing that the grant issued ends, as far as can be known; 0 = never."""
    if not held.grant_ends_at and (amended.refresh_ends_at is None or not held.refresh_hash):
        return grants.NEVER
    return max(
        *(held.grant_ends_at, held.access_ends_at, amended.access_ends_at or 0),
        (amended.refresh_ends_at or 0) if held.refresh_hash else 0,
    )


def _word(ends_at: int | None) -> str:
    return "" if ends_at is None else str(ends_at)
