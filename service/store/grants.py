"""Grants: the record that all tokens depend on, the user's index of grants, and how they end.

The grant types, by which a grant begins, are the room ``grants``.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from service.protocol.credentials import GRANT_ID_LENGTH
from service.records.access_token import AccessToken
from service.records.grant import Grant
from service.records.refresh_token import RefreshToken
from service.redis.connection import Connection, KeyedCommand
from service.redis.script import Script
from service.store.answers import Answer
from service.store.ends import end_steps, ends_at, read_with_end
from service.store.keys import Keys
from service.store.record_store import RecordStore
from service.store.user_index import UserIndex

NO_REFRESH_TOKEN = "-" * GRANT_ID_LENGTH
"""The value in front of a grant's record where there is no live refresh token, whose hash stands there otherwise."""

_PAGE = 500


_revoke = Script("revoke_grant", Answer, confirmed=True)


class ListedGrant(NamedTuple):
    """A grant in a list."""

    grant_id: str
    grant: Grant
    ends_at: int
    """Epoch seconds, 0 = never."""
    access_hash: str = ""
    """The hash of the access token that holds the whole grant (client_credentials)."""


class LiveRefreshToken(NamedTuple):
    """The live refresh token of a grant. Times are epoch seconds; 0 = never ends."""

    hash: str
    issued_at: int
    ends_at: int
    replaced_another: bool
    """Whether it came of a rotation, and so ``issued_at`` is when the grant was refreshed last."""


class GrantPage(NamedTuple):
    """Some grants, and the cursor of the next page, empty at the end."""

    grants: list[ListedGrant]
    cursor: str


def encode(grant: Grant, refresh_hash: str = NO_REFRESH_TOKEN) -> bytes:
    """Return the stored form of a grant: the hash of its live refresh token at a fixed place, then the record."""
    return refresh_hash.encode() + grant.encode()


def decode(data: bytes | None) -> Grant | None:
    """Decode the stored form. None where there is no record, or the empty one that an ended grant leaves."""
    return Grant.decode(data[GRANT_ID_LENGTH:]) if data else None


class Grants(RecordStore):
    """Grants in Redis."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        super().__init__(connection, keys)
        self._index = UserIndex(connection, keys)

    async def open(self, grant_id: str) -> ListedGrant | None:
        """Return a living grant by its id."""
        key = self._keys.grant(grant_id)
        data, ends = await read_with_end(self._connection, key, "GET", key)
        grant = decode(data)
        return ListedGrant(grant_id, grant, ends) if grant and ends is not None else None

    async def can_refresh(self, grant_id: str) -> bool:
        """Whether a refresh token of this grant is alive. At most two round trips."""
        key = self._keys.grant(grant_id)
        data = await self._connection.execute(key, "GETRANGE", key, 0, GRANT_ID_LENGTH - 1)
        if not data or data.decode() == NO_REFRESH_TOKEN:
            return False
        live = self._keys.refresh_token(grant_id, data.decode())
        return bool(await self._connection.execute(live, "EXISTS", live))

    async def live_refresh_tokens(self, grant_ids: Sequence[str]) -> list[LiveRefreshToken | None]:
        """Return the live refresh token of each of these grants. Two round trips."""
        places = [self._keys.grant(grant_id) for grant_id in grant_ids]
        found = await self._connection.execute_all([(key, ("GETRANGE", key, 0, GRANT_ID_LENGTH - 1)) for key in places])
        hashes = ["" if data == NO_REFRESH_TOKEN.encode() else data.decode() for data in found]
        tokens = [self._keys.refresh_token(grant_id, held) for grant_id, held in zip(grant_ids, hashes, strict=True)]
        steps = [step for key in tokens for step in ((key, ("GET", key)), *end_steps(key))]
        replies = iter(await self._connection.execute_all(steps))
        records = zip(replies, replies, replies, strict=True)
        return [
            _live(held, data, ends_at(left, now)) if held and data else None
            for held, (data, left, now) in zip(hashes, records, strict=True)
        ]

    async def revoke(self, grant_id: str, subject: str = "") -> bool:
        """End a grant of this user ("" = of none) and everything it issued. Return whether it was alive."""
        step = _revoke.step(self._connection, (self._keys.grant(grant_id),), ())
        answer, client_id = _revoke.read((await self._connection.execute_all([step]))[0])
        if subject:  # only now: the end of all grants of a user finds them by the index
            self._index.unindex_soon(grant_id, subject, client_id[0].decode() if client_id else "")
        return self._was_alive(grant_id, answer)

    async def open_client_grant(self, grant_id: str) -> ListedGrant | None:
        """Return a grant that is a single access token (client_credentials). Scans keys: for operators, not for requests."""
        found = await self._find_client_grant(grant_id)
        return found[1] if found else None

    async def revoke_client_grant(self, grant_id: str) -> bool:
        """End a grant that is a single access token (client_credentials). Return whether it was alive. Scans keys."""
        found = await self._find_client_grant(grant_id)
        if found is None:
            return False
        return await self.end_inline(found[0])

    async def end_inline(self, key: str) -> bool:
        """End the grant in the record of its only access token, by the key of that. Return whether it was alive."""
        deleted = await self._connection.execute_confirmed(key, "DEL", key)
        await self._connection.execute(key, "PUBLISH", self._keys.ended, key)
        return bool(deleted) or key in self._connection.sent_again

    async def _find_client_grant(self, grant_id: str) -> tuple[str, ListedGrant] | None:
        """Find the access token that holds this grant. Its hash is not known, so all keys of one server are scanned."""
        place, cursor = self._keys.grant(grant_id), "0"
        while True:
            position, found = await self._connection.execute(
                place, "SCAN", cursor, "MATCH", self._keys.access_token(grant_id, "*"), "COUNT", 10 * _PAGE
            )
            for key in (name.decode() for name in found):
                data, ends = await read_with_end(self._connection, key, "GET", key)
                token = AccessToken.decode(data) if data else None
                if token is not None and ends is not None and (grant := token.grant) and not token.sources:
                    return key, ListedGrant(grant_id, grant, ends)
            cursor = position.decode()
            if cursor == "0":
                return None

    async def revoke_user(self, subject: str) -> int:
        """End every grant of a user, also those that are just beginning. Return exactly how many were alive (IA-40)."""
        return await self.revoke_indexed(subject, None)

    async def revoke_of_client(self, subject: str, client_id: str) -> int:
        """End a user's grants of one client. Return how many were alive."""
        return await self.revoke_indexed(subject, lambda grant: grant.client_id == client_id)

    async def revoke_of_session(self, subject: str, sid: str, *, spares: str = "") -> int:
        """End what was granted in a session, except grants with the scope ``spares``. Return how many were alive."""
        return await self.revoke_indexed(
            subject, lambda grant: grant.session == sid and not (spares and spares in grant.scope.split(" "))
        )

    async def revoke_indexed(self, subject: str, wanted: Callable[[Grant], bool] | None) -> int:
        """End all grants of a user, or those that are wanted. Return how many were alive."""
        index, count, cursor = self._keys.user_grants(subject), 0, ""
        if wanted is None:
            while page := await self._connection.execute(index, "ZRANGE", index, 0, _PAGE - 1):
                count += await self._revoke_indexed(subject, [member.decode() for member in page])
            return count
        while cursor != "0":  # not by rank: as grants end meanwhile, later ones would move up unseen
            position, page = await self._connection.execute(index, "ZSCAN", index, cursor or "0", "COUNT", _PAGE)
            cursor = position.decode()
            grant_ids = await self._matching_ids([member.decode() for member in page[::2]], wanted)
            count += await self._revoke_indexed(subject, grant_ids)
        return count

    async def _revoke_indexed(self, subject: str, grant_ids: list[str]) -> int:
        steps = [_revoke.step(self._connection, (self._keys.grant(grant_id),), ()) for grant_id in grant_ids]
        answers = [_revoke.read(reply) for reply in await self._connection.execute_all(steps)]
        clients = [client_id[0].decode() if client_id else "" for _, client_id in answers]
        ended = zip(grant_ids, clients, strict=True)
        await self._connection.execute_all(
            [self._index.unindex_step(grant_id, subject, client_id) for grant_id, client_id in ended]
        )
        return sum(self._was_alive(grant_id, answer) for grant_id, (answer, _) in zip(grant_ids, answers, strict=True))

    def _was_alive(self, grant_id: str, answer: Answer) -> bool:
        return answer is Answer.REVOKED or self._keys.grant(grant_id) in self._connection.sent_again

    async def _matching_ids(self, grant_ids: list[str], wanted: Callable[[Grant], bool]) -> list[str]:
        """Return the grants that are wanted, and those that are gone: both leave the index."""
        records = await self._read_all([self._keys.grant(grant_id) for grant_id in grant_ids])
        grants = map(decode, records)
        return [grant_id for grant_id, grant in zip(grant_ids, grants, strict=True) if grant is None or wanted(grant)]

    async def list_of_user(self, subject: str, cursor: str = "", count: int = 100) -> GrantPage:
        """Return a page of a user's living grants, the one that ends first in front. Bounded work, no SCAN."""
        start = int(cursor or 0)
        index = self._keys.user_grants(subject)
        members = await self._connection.execute(index, "ZRANGE", index, start, start + count - 1, "WITHSCORES")
        grant_ids = [member.decode() for member in members[::2]]
        ends = [0 if score == b"inf" else int(float(score)) for score in members[1::2]]
        records = await self._read_all([self._keys.grant(grant_id) for grant_id in grant_ids])
        listed, dead = [], []
        for grant_id, data, end in zip(grant_ids, records, ends, strict=True):
            grant = decode(data)
            if grant is None:
                dead.append(grant_id)
            else:
                listed.append(ListedGrant(grant_id, grant, end))
        await self._connection.execute_all([self._index.unindex_step(gone, subject) for gone in dead])
        return GrantPage(listed, str(start + len(listed)) if len(grant_ids) == count else "")

    async def list_of_client(self, client_id: str | None, cursor: str = "", count: int = 100) -> GrantPage:
        """Return a page of a client's living grants (None: of every client's), unordered. Looks at about ``10 × count`` keys.

        A page may be empty though more follow: call again while there is a cursor. Grants of client_credentials, which are a
        single access token each, are listed like all others.
        """
        found, following = await self._connection.scan(self._keys.tagged, cursor, count * 10)
        return GrantPage([listed async for listed in self._matching(found, client_id)], following)

    async def _matching(self, found: list[str], client_id: str | None) -> AsyncIterator[ListedGrant]:
        """Return the client's grants among these keys: grant records, and access tokens that hold their grant."""
        names = [name for name in found if self._keys.grant_key.fullmatch(name)]
        steps: list[KeyedCommand] = [step for name in names for step in ((name, ("GET", name)), (name, ("PTTL", name)))]
        replies = await self._connection.execute_all([*steps, *((name, ("TIME",)) for name in names[:1])])
        for name, data, left in zip(names, replies[0::2], replies[1::2], strict=False):
            grant = inline_or_whole(name, data)
            if grant is not None and client_id in (None, grant.client_id):
                access_hash = "" if name.endswith("}") else name.rpartition(":")[2]
                yield ListedGrant(self._keys.grant_id_of(name), grant, ends_at(left, replies[-1]), access_hash)


def _live(refresh_hash: str, data: bytes, ends: int) -> LiveRefreshToken | None:
    if data.startswith(b"used:"):  # the last refresh token, and it left no successor
        return None
    record = RefreshToken.decode(data)
    return LiveRefreshToken(refresh_hash, record.issued_at, ends, bool(record.predecessor))


def inline_or_whole(name: str, data: bytes | None) -> Grant | None:
    """Return the grant that is stored under such a key; None where it has ended, or has a key of its own."""
    if not data:
        return None
    if not name.endswith("}"):
        return AccessToken.decode(data).grant
    return decode(data)
