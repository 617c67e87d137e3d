"""Access and refresh tokens: issued with a grant, rotated, opened, revoked."""

from collections.abc import Awaitable
from enum import StrEnum
from typing import Any

import msgspec

from service.protocol.credentials import GRANT_ID_LENGTH, REFRESH_TOKEN, Credential
from service.records.access_token import AccessToken
from service.records.grant import Grant
from service.records.refresh_token import RefreshToken
from service.redis.script import Script
from service.store import grants
from service.store.answers import Answer
from service.store.ends import read_with_end
from service.store.spending import NewTokens, Outcome, SpendableStore, Spending, WaitingReply
from service.store.user_index import CountedAs, IndexedScript


class RevokeAnswer(StrEnum):
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    FOREIGN = "foreign"


_open_exchanged = Script("open_exchanged_token", Answer)
_issue = IndexedScript("issue_tokens", Answer)
_add = IndexedScript("add_access_token", Answer)
_exchange = Script("exchange_token", Answer)
_rotate = IndexedScript("rotate_refresh_token", Outcome, confirmed=True)
_reuse = IndexedScript("reuse_refresh_token", Outcome, confirmed=True)
_revoke = Script("revoke_token", RevokeAnswer, confirmed=True)
_count_repeat = Script("count_repeat", Answer)
MOST_REPEATS = 500
"""How often the response to a used refresh token is given again within its grace; after that a further use is a replay."""
_USED = len("used:") + GRANT_ID_LENGTH


class OpenedToken(msgspec.Struct, frozen=True):
    """A living access token."""

    credential: Credential
    record: AccessToken
    grant: Grant
    ends_at: int  # epoch seconds, by the key's own TTL (P4)
    origin: Grant | None = None
    """The user's grant that an exchanged token derives from; ``grant`` is its own."""

    @property
    def scope(self) -> str:
        """Its own scope where it was issued with less, and never more than its grant has now."""
        if self.record.scope is None:
            return self.grant.scope
        held = (self.origin or self.grant).scope.split()
        return " ".join([word for word in self.record.scope.split() if word in held])

    @property
    def audience(self) -> tuple[str, ...]:
        """Its own audience where it was issued for less than its grant."""
        return self.grant.audience if self.record.audience is None else self.record.audience

    @property
    def members(self) -> dict[str, Any] | None:
        """Its own members where it was issued with less than its grant has."""
        return self.grant.members if self.record.members is None else self.record.members


class OpenedRefreshToken(msgspec.Struct, frozen=True):
    """A refresh token of a living grant."""

    credential: Credential
    record: RefreshToken | None  # None once it is used
    seen: bytes  # the record as it was read
    reply: bytes  # the sealed response to its last use, empty once the grace is over
    grant: Grant
    ends_at: int | None = None  # epoch seconds, 0 = never, None where it was not read

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the request that used it, empty if that asked for all that the grant allows."""
        return self.seen[_USED + 1 :].decode()


class Tokens(SpendableStore):
    """Access and refresh tokens in Redis."""

    async def open_by_token(self, token: Credential) -> OpenedToken | None:
        """Return a living access token with its grant (IA-39). One round trip; two for an exchanged token."""
        places = key, _ = (self._keys.access_token(token.grant_id, token.hash), self._keys.grant(token.grant_id))
        (held, grant_record), ends_at = await read_with_end(self._connection, key, "MGET", *places)
        if held is None or ends_at is None:
            return None
        record, grant = AccessToken.decode(held), grants.decode(grant_record)
        if record.sources and record.grant:
            answer, _ = await _open_exchanged.run(self._connection, places)
            return OpenedToken(token, record, record.grant, ends_at, origin=grant) if answer is Answer.FOUND else None
        grant = grant or record.grant
        return OpenedToken(token, record, grant, ends_at) if grant else None

    async def open_by_refresh(self, token: Credential, *, with_end: bool = False) -> OpenedRefreshToken | None:
        """Return a refresh token, used or not, of a living grant (IA-38).

        One round trip. ``with_end`` reads when it ends, too.
        """
        found = await self._open(self._keys.refresh_token(token.grant_id, token.hash), token, with_end=with_end)
        if found is None:
            return None
        record = None if found.held.startswith(b"used:") else RefreshToken.decode(found.held)
        return OpenedRefreshToken(token, record, found.held, found.reply, found.grant, found.ends_at)

    async def save_client_grant(self, token: Credential, record: bytes, ends_at: int) -> None:
        """Store an access token whose record holds its whole grant (client_credentials). One round trip."""
        key = self._keys.access_token(token.grant_id, token.hash)
        await self._connection.execute(key, "SET", key, record, "PXAT", ends_at * 1000)  # as in lua/shared/keep.lua

    async def forget_access_token(self, grant_id: str, access_hash: str) -> None:
        """Delete a token that no client has got. One round trip."""
        await self._delete(self._keys.access_token(grant_id, access_hash))

    async def issue(self, grant: Grant, new: NewTokens, otherwise: CountedAs = CountedAs.NOTHING) -> bool:
        """Begin a grant with its first tokens. One round trip. ``otherwise`` is the kind of a grant that cannot be refreshed.

        Return False where the user is disabled, or the grant was ended while this was under way.
        """
        grant_id = new.access.grant_id
        live = new.refresh_hash if new.refresh_record else grants.NO_REFRESH_TOKEN
        given = (
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
        reply = await self._indexing.begin(_issue, given, new.place(otherwise))
        return reply is not None and _issue.read(reply)[0] is Answer.ISSUED

    async def add(self, new: NewTokens) -> bool:
        """Store an access token that is issued together with a code. One round trip. Return False where the grant was ended."""
        grant_id = new.access.grant_id
        given = (
            (self._keys.grant(grant_id), self._keys.access_token(grant_id, new.access.hash)),
            (new.access_record, new.access_ends_at),
        )
        reply = await self._indexing.swap(_add, given, new.place())
        return reply is not None and _add.read(reply)[0] is Answer.ISSUED

    async def exchange(self, new: NewTokens) -> bool:
        """Store an access token that another one was exchanged for. One round trip. Return False where that has ended."""
        grant_id = new.access.grant_id
        places = (self._keys.grant(grant_id), self._keys.access_token(grant_id, new.access.hash))
        answer, _ = await _exchange.run(self._connection, places, new.access_record, new.access_ends_at)
        return answer is Answer.ISSUED

    def rotate(
        self, opened: OpenedRefreshToken, new: NewTokens, used_ends_at: int, reply: WaitingReply
    ) -> Awaitable[Spending]:
        """Replace the refresh token by the new tokens (P2). One round trip.

        ``used_ends_at`` is the epoch second until which its use is remembered, but no longer than its successor lives, or
        the access token where it has none.

        REPEATED and ADDED carry the sealed reply to the first use. The outcome is REFUSED where an access token would be added,
        but refreshes are counted.
        """
        used, grant_id = opened.credential, opened.credential.grant_id
        successor_ends_at = new.refresh_ends_at if new.refresh_record else new.access_ends_at
        given = (
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
                new.refresh_record,
                new.refresh_ends_at,
                new.grant_ends_at,
                min(used_ends_at, successor_ends_at or used_ends_at),
                reply.sealed,
                reply.grace,
                f":{reply.fingerprint}" if reply.fingerprint else "",
                "1" if reply.adds else "",
                MOST_REPEATS,
            ),
        )
        return self._spend(_rotate, given, new, new.refreshed_place())

    def count_repeat_soon(self, used: Credential) -> None:
        """Count that a sealed reply was given once more, without waiting; after ``MOST_REPEATS`` it is deleted."""
        step = _count_repeat.step(self._connection, (self._keys.reply(used.grant_id, used.hash),), (MOST_REPEATS,))
        self._connection.execute_soon(*step, lingers=True)

    async def confirm_rotation(self, used: Credential) -> None:
        """Wait until the replicas have what this used refresh token was exchanged for, where replicas are waited for."""
        await self._connection.confirm(self._keys.grant(used.grant_id))

    async def reuse(self, opened: OpenedRefreshToken, new: NewTokens) -> Spending:
        """Issue an access token for a refresh token that is not rotated, with its new record and end. One round trip."""
        used, grant_id = opened.credential, opened.credential.grant_id
        given = (
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
        reply = await self._indexing.swap(_reuse, given, new.refreshed_place())
        return Spending(Outcome.ENDED if reply is None else _reuse.read(reply)[0])

    async def revoke(self, token: Credential, client_id: str, *, ends_grant: bool) -> RevokeAnswer:
        """Revoke an access or refresh token that was issued to this client. One round trip."""
        make = self._keys.refresh_token if token.kind is REFRESH_TOKEN else self._keys.access_token
        places = (make(token.grant_id, token.hash), self._keys.grant(token.grant_id))
        answer, subject = await _revoke.run(self._connection, places, client_id, "1" if ends_grant else "0")
        if subject:
            self._index.unindex_soon(token.grant_id, subject[0].decode(), client_id)
        if answer is RevokeAnswer.UNKNOWN and places[0] in self._connection.sent_again:
            return RevokeAnswer.REVOKED
        return answer

    def _predecessor_reply(self, opened: OpenedRefreshToken) -> str:
        """Return the key of the reply that was left when this token was issued: it is deleted when this token is used."""
        record = opened.record
        return self._keys.reply(opened.credential.grant_id, record.predecessor or record.code if record else "")
