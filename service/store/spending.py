"""Spending a credential: the parts that all credentials share which are exchanged once for tokens."""

from enum import StrEnum

import msgspec

from service.protocol.credentials import Credential
from service.records.grant import Grant
from service.redis.connection import Connection
from service.redis.script import Given
from service.store import grants
from service.store.ends import read_with_end
from service.store.indexing import Indexing
from service.store.keys import Keys
from service.store.record_store import RecordStore
from service.store.user_index import CountedAs, IndexedScript, Known, Place, UserIndex


class Outcome(StrEnum):
    """The answer of a script that spends a credential."""

    SPENT = "spent"
    """The new tokens are stored, and the credential is spent."""
    REPEATED = "repeated"
    """The same request has spent it before, and its sealed reply is still kept."""
    ADDED = "added"
    """A request that asked for something else has spent it before: the new access token is stored in addition."""
    REFUSED = "refused"
    """A request that asked for something else has spent it before, and nothing may be added."""
    CHANGED = "changed"
    """It is not as it was read: read it and try again."""
    REPLAYED = "replayed"
    """It was spent before, and its grant is ended now (P1, P2)."""
    ENDED = "ended"
    """It has ended, or its grant has."""


_ENDING = (Outcome.REPLAYED, Outcome.ENDED)
"""The outcomes after which the grant has ended."""
_LASTING = CountedAs.LASTING
_COUNTED, _INDEXED = Known.COUNTED, Known.INDEXED


class Spending(msgspec.Struct, frozen=True):
    """The outcome, and the sealed reply to the first use if that is kept."""

    outcome: Outcome
    reply: bytes = b""


class NewTokens(msgspec.Struct, frozen=True):
    """Tokens that are about to be stored. Times are epoch seconds, an end of 0 = never."""

    access: Credential
    access_record: bytes
    access_ends_at: int
    refresh_hash: str  # of the access token where there is no refresh token: a name that is never written
    refresh_record: bytes  # empty for no refresh token
    refresh_ends_at: int
    grant_ends_at: int  # when the last of them ends
    subject: str  # the user whose index holds the grant, empty for none
    client_id: str  # the client that the grant counts for
    now: int

    def place(self, otherwise: CountedAs = CountedAs.PASSING, known: Known = Known.NOTHING) -> Place:
        """Return the grant's place in its user's index, with its new end.

        ``otherwise`` is its kind if it cannot be refreshed.
        """
        counted_as = _LASTING if self.refresh_record else otherwise
        return Place(self.access.grant_id, self.subject, self.client_id, counted_as, self.grant_ends_at, known)

    def refreshed_place(self) -> Place:
        """Return the same for a grant that is refreshed: it is of the same kind as before unless this is the last time."""
        return self.place(known=_COUNTED if self.refresh_record else _INDEXED)


class WaitingReply(msgspec.Struct, frozen=True):
    """A response that is kept ``grace`` seconds (0: not at all) for a repeated request, sealed under the credential."""

    sealed: bytes
    grace: int
    fingerprint: str = ""  # the fingerprint of the request, empty if it asked for all that the grant allows
    adds: bool = False  # whether a request that asks for something else than the first gets an access token, too


class _Kept(msgspec.Struct, frozen=True):
    """The stored form of a credential whose grant is alive."""

    held: bytes
    grant: Grant
    reply: bytes
    """The sealed response to its use, empty where none is kept."""
    ends_at: int | None
    """Epoch seconds, 0 = never, None where it was not read."""


class SpendableStore(RecordStore):
    """A kind of credential in Redis."""

    def __init__(self, connection: Connection, keys: Keys, indexing: Indexing) -> None:
        super().__init__(connection, keys)
        self._index = UserIndex(connection, keys)
        self._indexing = indexing

    async def _open(self, key: str, credential: Credential, *, with_end: bool) -> _Kept | None:
        """Read a credential with its grant; None where either is unknown or has ended. One round trip."""
        grant_id = credential.grant_id
        ends: int | None = None
        read = ("MGET", key, self._keys.grant(grant_id), self._keys.reply(grant_id, credential.hash))
        if with_end:
            found, ends = await read_with_end(self._connection, key, *read)
        else:
            found = await self._connection.execute(key, *read)
        held, grant_record, reply = found
        grant = grants.decode(grant_record)
        if held is None or grant is None or (with_end and ends is None):
            return None
        return _Kept(held, grant, reply or b"", ends)

    async def _spend(self, script: IndexedScript[Outcome], given: Given, new: NewTokens, place: Place) -> Spending:
        """Replace a credential by the new tokens, whose grant gets this place. One round trip."""
        reply = await self._indexing.swap(script, given, place)
        if reply is None:
            return Spending(Outcome.ENDED)
        outcome, rest = script.read(reply)
        if outcome in _ENDING and new.subject:
            self._index.unindex_soon(new.access.grant_id, new.subject, new.client_id)
        return Spending(outcome, *rest)

    def forget_reply_soon(self, credential: Credential, *, after: float = 0) -> None:
        """Delete the sealed reply ``after`` so many seconds, as the client has it: a further redemption is theft.

        The command is sent together with the next one.
        """
        key = self._keys.reply(credential.grant_id, credential.hash)
        if after:
            self._connection.execute_soon(key, ("PEXPIRE", key, int(after * 1000)), lingers=True)
        else:
            self._connection.delete_soon(key)

    async def waits(self, credential: Credential) -> bool:
        """Whether the response is still kept, and everything it contains is on as many replicas as are waited for."""
        await self._connection.confirm(self._keys.grant(credential.grant_id))
        key = self._keys.reply(credential.grant_id, credential.hash)
        return bool(await self._connection.execute(key, "EXISTS", key))
