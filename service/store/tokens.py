"""Access and refresh tokens: issued with a grant, rotated, opened, revoked."""

from enum import StrEnum
from typing import Any, NamedTuple

from service.protocol.credentials import GRANT_ID_LENGTH, Credential, Kind
from service.records.access_token import AccessToken
from service.records.grant import Grant
from service.records.refresh_token import RefreshToken
from service.redis.connection import Connection
from service.redis.script import Script
from service.store import grants
from service.store.answers import Answer
from service.store.indexing import Indexing, Place
from service.store.keys import Keys
from service.store.record_store import RecordStore
from service.store.spending import Outcome, Spending
from service.store.user_index import Kin, UserIndex


class RevokeAnswer(StrEnum):
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    FOREIGN = "foreign"


_open = Script("open_credential", Answer)
_issue = Script("issue_tokens", Answer)
_add = Script("add_access_token", Answer)
_rotate = Script("rotate_refresh_token", Outcome, confirmed=True)
_reuse = Script("reuse_refresh_token", Outcome, confirmed=True)
_revoke = Script("revoke_token", RevokeAnswer, confirmed=True)
_count_repeat = Script("count_repeat", Answer)
MOST_REPEATS = 500
"""How often the response to a used refresh token is given again within its grace; after that its use is a reuse."""
_USED = len("used:") + GRANT_ID_LENGTH


class NewTokens(NamedTuple):
    """Tokens about to be kept. Times are epoch seconds, an end of 0 = never."""

    access: Credential
    access_record: bytes
    access_ends_at: int
    refresh_hash: str  # the access token's where there is no refresh token: a name that nobody writes to
    refresh_record: bytes  # empty for no refresh token
    refresh_ends_at: int
    subject: str  # in whose index the grant is, empty for none
    client_id: str  # that the grant counts for
    now: int

    @property
    def grant_ends_at(self) -> int:
        """When the last of them ends."""
        if not self.refresh_record:
            return self.access_ends_at
        return max(self.access_ends_at, self.refresh_ends_at) if self.refresh_ends_at else grants.NEVER

    def place(self, otherwise: Kin = Kin.PASSING) -> Place:
        """The grant's place in its user's index, with its new end; ``otherwise``: among what, if it can't be refreshed."""
        kin = Kin.LASTING if self.refresh_record else otherwise
        return Place(self.access.grant_id, self.subject, self.client_id, kin, self.grant_ends_at)


class WaitingReply(NamedTuple):
    """A response that waits ``grace`` seconds (0: not at all) for a repeated request, sealed under what was presented."""

    sealed: bytes
    grace: int
    asked: str = ""  # the fingerprint of what was asked for, empty for all that the grant allows
    adds: bool = False  # whether one who asks for something else than the first one gets an access token, too


class OpenedToken(NamedTuple):
    """A living access token."""

    credential: Credential
    record: AccessToken
    grant: Grant
    ends_at: int  # epoch seconds, from the key's own TTL (P4)

    @property
    def scope(self) -> str:
        """Its own where it was issued with less, and never more than its grant has now."""
        if self.record.scope is None:
            return self.grant.scope
        held = self.grant.scope.split()
        return " ".join([word for word in self.record.scope.split() if word in held])

    @property
    def audience(self) -> tuple[str, ...]:
        """Its own where it was issued for less than its grant."""
        return self.grant.audience if self.record.audience is None else self.record.audience


class OpenedRefreshToken(NamedTuple):
    """A refresh token of a living grant."""

    credential: Credential
    record: RefreshToken | None  # None once it is used
    seen: bytes  # the record as it was read
    reply: bytes  # the sealed response to its last use, empty once the grace is over
    grant: Grant
    ends_at: int | None = None  # epoch seconds, 0 = never, None where it was not asked for

    @property
    def asked(self) -> str:
        """The fingerprint of what was asked for when it was used, empty for all that the grant allows."""
        return self.seen[_USED + 1 :].decode()


class Tokens(RecordStore):
    """Access and refresh tokens in Redis."""

    def __init__(self, connection: Connection, keys: Keys, indexing: Indexing) -> None:
        super().__init__(connection, keys)
        self._index = UserIndex(connection, keys)
        self._indexing = indexing

    async def open_by_token(self, token: Credential) -> OpenedToken | None:
        """A living access token with its grant (IA-39). One round trip."""
        places = (self._keys.access_token(token.grant_id, token.hash), self._keys.grant(token.grant_id))
        answer, rest = await _open.run(self._connection, places)
        if answer is Answer.UNKNOWN:
            return None
        record = AccessToken.decode(rest[0])
        grant = grants.decode(rest[1]) or record.grant
        return OpenedToken(token, record, grant, rest[2]) if grant else None

    async def open_by_refresh(self, token: Credential, *, with_end: bool = False) -> OpenedRefreshToken | None:
        """A refresh token, used or not, of a living grant (IA-38). One round trip. ``with_end``: also when it ends."""
        key, grant_key = self._keys.refresh_token(token.grant_id, token.hash), self._keys.grant(token.grant_id)
        read = ("MGET", key, grant_key, self._keys.reply(token.grant_id, token.hash))
        end: list[Any] = []
        if with_end:
            (seen, grant_record, reply), *end = await self._connection.execute_all(
                [(key, read), *grants.end_steps(key)]
            )
        else:
            seen, grant_record, reply = await self._connection.execute(key, *read)
        grant = grants.decode(grant_record)
        if seen is None or grant is None:
            return None
        record = None if seen.startswith(b"used:") else RefreshToken.decode(seen)
        return OpenedRefreshToken(token, record, seen, reply or b"", grant, grants.ends_at(*end) if end else None)

    async def save_client_grant(self, token: Credential, record: bytes, ends_at: int) -> None:
        """Keep an access token whose record holds its whole grant (client_credentials). One round trip."""
        key = self._keys.access_token(token.grant_id, token.hash)
        await self._connection.execute(key, "SET", key, record, "EXAT", ends_at)

    async def forget_access_token(self, grant_id: str, access_hash: str) -> None:
        """Take back a token that nobody was told of. One round trip."""
        await self._delete(self._keys.access_token(grant_id, access_hash))

    async def issue(self, grant: Grant, new: NewTokens, otherwise: Kin = Kin.UNCOUNTED) -> bool:
        """Begin a grant with its first tokens. One round trip. ``otherwise``: what it counts among if it can't be refreshed.

        False where the user is disabled, or the grant was ended while this was under way.
        """
        grant_id = new.access.grant_id
        live = new.refresh_hash if new.refresh_record else grants.NO_REFRESH_TOKEN
        step = _issue.step(
            self._connection,
            (
                self._keys.grant(grant_id),
                self._keys.access_token(grant_id, new.access.hash),
                self._keys.refresh_token(grant_id, new.refresh_hash),
            ),
            (
                grants.encode(grant, live),
                new.grant_ends_at,
                new.access_record,
                new.access_ends_at,
                new.refresh_record,
                new.refresh_ends_at,
            ),
        )
        reply = await self._indexing.begin(step, new.place(otherwise))
        return reply is not None and _issue.read(reply)[0] is Answer.ISSUED

    async def add(self, new: NewTokens) -> bool:
        """Keep an access token beside the code of a grant that has just begun. One round trip. False: it was ended."""
        grant_id = new.access.grant_id
        step = _add.step(
            self._connection,
            (self._keys.grant(grant_id), self._keys.access_token(grant_id, new.access.hash)),
            (new.access_record, new.access_ends_at),
        )
        reply = await self._indexing.swap(step, new.place())
        return reply is not None and _add.read(reply)[0] is Answer.ISSUED

    async def rotate(
        self, opened: OpenedRefreshToken, new: NewTokens, used_ends_at: int, reply: WaitingReply
    ) -> Spending:
        """Put the new tokens in the place of the refresh token (P2). One round trip.

        ``used_ends_at``: until when its use is remembered (epoch seconds). The reply beside REPEATED and ADDED is the sealed
        one of the first use. REFUSED: one would be added, but refreshes are counted.
        """
        used, grant_id = opened.credential, opened.credential.grant_id
        step = _rotate.step(
            self._connection,
            (
                self._keys.grant(grant_id),
                self._keys.refresh_token(grant_id, used.hash),
                self._keys.reply(grant_id, used.hash),
                self._keys.access_token(grant_id, new.access.hash),
                self._keys.refresh_token(grant_id, new.refresh_hash),
                self._predecessor_reply(opened),
            ),
            (
                new.access_record,
                new.access_ends_at,
                new.refresh_hash,
                new.refresh_record,
                new.refresh_ends_at,
                new.grant_ends_at,
                used_ends_at,
                reply.sealed,
                reply.grace,
                f":{reply.asked}" if reply.asked else "",
                "1" if reply.adds else "",
                MOST_REPEATS,
            ),
        )
        answered = await self._indexing.swap(step, new.place())
        if answered is None:
            return Spending(Outcome.ENDED)
        outcome, rest = _rotate.read(answered)
        if outcome in (Outcome.REPLAYED, Outcome.ENDED) and new.subject:
            self._index.unindex_soon(grant_id, new.subject, new.client_id)
        return Spending(outcome, *rest)

    def count_repeat_soon(self, used: Credential) -> None:
        """Count that a waiting reply was given once more, without waiting; after ``MOST_REPEATS`` it goes."""
        step = _count_repeat.step(self._connection, (self._keys.reply(used.grant_id, used.hash),), (MOST_REPEATS,))
        self._connection.execute_soon(*step, lingers=True)

    async def confirm_rotation(self, used: Credential) -> None:
        """Where replicas are waited for: wait until they have what this used refresh token was exchanged for."""
        await self._connection.confirm(self._keys.grant(used.grant_id))

    async def reuse(self, opened: OpenedRefreshToken, new: NewTokens) -> Spending:
        """Issue an access token for a refresh token that is kept, with its new record and end. One round trip."""
        used, grant_id = opened.credential, opened.credential.grant_id
        step = _reuse.step(
            self._connection,
            (
                self._keys.grant(grant_id),
                self._keys.refresh_token(grant_id, used.hash),
                self._keys.access_token(grant_id, new.access.hash),
                self._predecessor_reply(opened),
            ),
            (
                new.access_record,
                new.access_ends_at,
                opened.seen,
                new.refresh_record,
                new.refresh_ends_at,
                new.grant_ends_at,
            ),
        )
        reply = await self._indexing.swap(step, new.place())
        return Spending(Outcome.ENDED if reply is None else _reuse.read(reply)[0])

    async def revoke(self, token: Credential, client_id: str, *, ends_grant: bool) -> RevokeAnswer:
        """Revoke an access or refresh token that was issued to this client. One round trip."""
        make = self._keys.refresh_token if token.kind is Kind.REFRESH_TOKEN else self._keys.access_token
        places = (make(token.grant_id, token.hash), self._keys.grant(token.grant_id))
        answer, subject = await _revoke.run(self._connection, places, client_id, "1" if ends_grant else "0")
        if subject:
            self._index.unindex_soon(token.grant_id, subject[0].decode(), client_id)
        return answer

    def _predecessor_reply(self, opened: OpenedRefreshToken) -> str:
        """The key of the reply that was left when this token was issued: it goes when this token is used."""
        return self._keys.reply(opened.credential.grant_id, opened.record.predecessor if opened.record else "")
