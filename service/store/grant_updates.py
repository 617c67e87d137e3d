"""Updates of grants and tokens by operators: scope, properties and ends. Compare-and-set, so that no update is lost."""

from enum import StrEnum
from typing import NamedTuple

from service.protocol.credentials import GRANT_ID_LENGTH
from service.records.access_token import AccessToken
from service.records.grant import Grant
from service.redis.connection import Connection
from service.store import grants
from service.store.ends import NEVER, ends_at
from service.store.indexing import Indexing
from service.store.keys import Keys
from service.store.record_store import RecordStore
from service.store.user_index import CountedAs, IndexedScript, Place


class UpdateAnswer(StrEnum):
    UPDATED = "updated"
    CHANGED = "changed"
    ENDED = "ended"


_update = IndexedScript("update_grant", UpdateAnswer, confirmed=True)


class GrantSnapshot(NamedTuple):
    """A grant as it is stored now, with one of its access tokens where that was asked for.

    Ends are epoch seconds, 0 = never.
    """

    grant_id: str
    grant: Grant
    seen_grant: bytes
    """Empty where the access token itself holds the grant (client_credentials)."""
    grant_ends_at: int
    access_hash: str = ""
    access: AccessToken | None = None
    seen_access: bytes = b""
    """Empty where no access token was asked for."""
    access_ends_at: int = 0
    refresh_hash: str = ""
    """The hash of the live refresh token, empty for none."""
    refresh_ends_at: int = 0


class GrantUpdate(NamedTuple):
    """The records that replace those of a snapshot. Ends are epoch seconds, None = unchanged."""

    grant: Grant
    access: AccessToken | None
    access_ends_at: int | None = None
    refresh_ends_at: int | None = None


class GrantUpdates(RecordStore):
    """Updates of grants in Redis."""

    def __init__(self, connection: Connection, keys: Keys, indexing: Indexing) -> None:
        super().__init__(connection, keys)
        self._grants = grants.Grants(connection, keys)
        self._indexing = indexing

    async def read(self, grant_id: str, access_hash: str = "") -> GrantSnapshot | None:
        """Read a living grant, and its access token of this hash; None where either is gone. Three round trips."""
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
        seen = GrantSnapshot(
            grant_id,
            grant,
            seen_grant or b"",
            ends_at(grant_left, now),
            access_hash,
            access,
            seen_access or b"",
            ends_at(access_left, now) if access else 0,
        )
        if not seen.seen_grant:
            return seen
        (live,) = await self._grants.live_refresh_tokens([seen.grant_id])
        return seen._replace(refresh_hash=live.hash, refresh_ends_at=live.ends_at) if live else seen

    async def write(self, seen: GrantSnapshot, update: GrantUpdate) -> UpdateAnswer:
        """Replace the records that were read, if no other caller has changed them since (P6). One round trip.

        The answer is ENDED where the user is disabled, too: the user's grants are being ended then.
        """
        is_client_grant = not seen.seen_grant
        grant_ends_at = _grant_end(seen, update)
        given = (
            (
                self._keys.grant(seen.grant_id),
                self._keys.access_token(seen.grant_id, seen.access_hash),
                self._keys.refresh_token(seen.grant_id, seen.refresh_hash),
            ),
            (
                seen.seen_grant,
                b"" if is_client_grant else grants.encode(update.grant, seen.seen_grant[:GRANT_ID_LENGTH].decode()),
                seen.seen_access,
                b"" if update.access is None else update.access.encode(),
                _word(update.access_ends_at),
                _word(update.refresh_ends_at if seen.refresh_hash else None),
                _word(grant_ends_at or None),
            ),
        )
        counted_as = CountedAs.LASTING if seen.refresh_hash else CountedAs.NOTHING
        subject = "" if is_client_grant else update.grant.subject
        place = Place(seen.grant_id, subject, update.grant.client_id, counted_as, grant_ends_at)
        reply = await self._indexing.swap(_update, given, place)
        return UpdateAnswer.ENDED if reply is None else _update.read(reply)[0]


def _grant_end(seen: GrantSnapshot, update: GrantUpdate) -> int:
    """Return when the last thing that the grant issued ends, as far as can be known; 0 = never."""
    if not seen.grant_ends_at and (update.refresh_ends_at is None or not seen.refresh_hash):
        return NEVER
    refresh_ends_at = update.refresh_ends_at or 0 if seen.refresh_hash else 0
    return max(seen.grant_ends_at, seen.access_ends_at, update.access_ends_at or 0, refresh_ends_at)


def _word(ends_at: int | None) -> str:
    return "" if ends_at is None else str(ends_at)
