"""Requests that their clients poll for, each in the slot of the grant that it may begin (RFC 8628, OpenID Connect CIBA).

A record is four digits (the interval in seconds), the mark of its client, and its state: ``waiting:<sealed request>``,
``allowed:<Allowance>``, ``denied:<by>`` or ``spent:<hash of the access token>:<mark of its key>:<Allowance.by>``. It ends by
its TTL.
"""

from collections.abc import Awaitable
from enum import StrEnum
from hashlib import sha256

import msgspec

from service.protocol.credentials import Credential, base64url
from service.records.client import Client
from service.records.grant import Grant
from service.records.polled_request import Allowance
from service.redis.script import Script
from service.store import grants
from service.store.ends import read_with_end
from service.store.spending import NewTokens, Outcome, SpendableStore, Spending, WaitingReply
from service.store.user_index import CountedAs, IndexedScript, Known, Place

_FRONT = 26
"""The length of what stands in front of the state."""
_WAITING = b"waiting:"


class PollAnswer(StrEnum):
    """The outcome of a poll."""

    PENDING = "pending"
    """Nobody has decided yet."""
    SLOW_DOWN = "slow_down"
    """The poll came within the interval, which is longer by 5 seconds from now on."""
    DENIED = "denied"
    ALLOWED = "allowed"
    SPENT = "spent"
    """The client has its tokens, or they wait for it in a sealed reply."""
    ENDED = "ended"
    """The request was allowed, and its grant has ended."""
    EXPIRED = "expired"
    """There is no such request, or no longer."""
    FOREIGN = "foreign"
    """The request is another client's, or the client's grants were ended."""


_poll = Script("poll_request", PollAnswer)
_allow = IndexedScript("allow_polled_request", PollAnswer, confirmed=True)
_deny = Script("deny_polled_request", PollAnswer, confirmed=True)
_spend = IndexedScript("spend_polled_request", Outcome, confirmed=True)


class Polled(msgspec.Struct, frozen=True):
    """What a poll found: the ``grant`` of an allowed request, and its ``allowance`` until it is spent."""

    answer: PollAnswer
    grant: Grant | None = None
    allowance: Allowance | None = None
    reply: bytes = b""
    """The sealed response of a spent request, while it is kept."""
    key: str = ""
    """The mark of the key that a spent request was bound to."""


class SeenRequest(msgspec.Struct, frozen=True):
    """The state of a request, for operators."""

    state: str
    """``waiting``, ``allowed``, ``denied`` or ``spent``."""
    content: bytes
    grant: Grant | None
    """The grant that came of it, while that is alive."""
    ends_at: int
    """Epoch seconds."""


class PolledRequests(SpendableStore):
    """Polled requests in Redis. Each method is one round trip."""

    async def begin(self, request: Credential, client: Client, content: bytes, interval: int, lifetime: int) -> None:
        """Store a request of this client for ``lifetime`` seconds, to be polled for every ``interval`` seconds."""
        key = self._keys.polled_request(request.grant_id, request.hash)
        record = f"{interval:04d}{_mark(client)}".encode() + _WAITING + content
        await self._connection.execute(key, "SET", key, record, "EX", lifetime)

    async def get(self, request: Credential) -> bytes | None:
        """Return the sealed request; None where it is decided, unknown or over."""
        key = self._keys.polled_request(request.grant_id, request.hash)
        held: bytes = await self._connection.execute(key, "GET", key) or b""
        state = held[_FRONT:]
        return state.removeprefix(_WAITING) if state.startswith(_WAITING) else None

    async def look(self, request: Credential) -> SeenRequest | None:
        """Look at a request without polling for it; None where it is unknown or over."""
        key, grant = self._keys.polled_request(request.grant_id, request.hash), self._keys.grant(request.grant_id)
        (held, grant_record), ends = await read_with_end(self._connection, key, "MGET", key, grant)
        if held is None or ends is None:
            return None
        state, _, content = held[_FRONT:].partition(b":")
        return SeenRequest(state.decode(), content, grants.decode(grant_record), ends)

    async def poll(self, request: Credential, client: Client, by: str) -> Polled:
        """Poll for the decision on a request.

        ``by`` is a random word that distinguishes a command that is sent again from another poll.
        """
        grant_id = request.grant_id
        keys_of_request = (
            self._keys.polled_request(grant_id, request.hash),
            self._keys.poll_pause(grant_id, request.hash),
            self._keys.grant(grant_id),
            self._keys.reply(grant_id, request.hash),
        )
        answer, rest = await _poll.run(self._connection, keys_of_request, _mark(client), by)
        if answer not in (PollAnswer.ALLOWED, PollAnswer.SPENT):
            return Polled(answer)
        content, grant_record, reply = rest
        grant = grants.decode(grant_record)
        if answer is PollAnswer.ALLOWED:
            return Polled(answer, grant, Allowance.decode(content), reply)
        _, _, behind_hash = content.decode("ascii").partition(":")
        return Polled(answer, grant, reply=reply, key=behind_hash.partition(":")[0])

    async def end_pause(self, request: Credential) -> None:
        """Let the client poll at once, whenever it polled last, since it is notified that the request is decided."""
        await self._delete(self._keys.poll_pause(request.grant_id, request.hash))

    async def allow(self, request: Credential, grant: Grant, allowance: Allowance, ends_at: int) -> bool:
        """Allow a waiting request, and begin its grant until ``ends_at`` (epoch seconds); the client gets the tokens by a poll.

        Return False where it is decided or over, the user is disabled, or the grant was ended while this was under way.
        """
        grant_id = request.grant_id
        keys_of_request = (self._keys.polled_request(grant_id, request.hash), self._keys.grant(grant_id))
        arguments = (grants.encode(grant), allowance.encode(), allowance.by, ends_at)
        given = (keys_of_request, arguments)
        place = Place(grant_id, grant.subject, grant.client_id, CountedAs.PASSING, ends_at, Known.SENT_AGAIN)
        reply = await self._indexing.begin(_allow, given, place)
        return reply is not None and _allow.read(reply)[0] is PollAnswer.ALLOWED

    async def deny(self, request: Credential, by: str) -> bool:
        """Deny a waiting request; False where it is decided or over. ``by`` is a random word of the caller."""
        key = self._keys.polled_request(request.grant_id, request.hash)
        answer, _ = await _deny.run(self._connection, (key,), by)
        return answer is PollAnswer.DENIED

    def spend(
        self, request: Credential, allowance: Allowance, new: NewTokens, spent_ends_at: int, waiting: WaitingReply
    ) -> Awaitable[Spending]:
        """Replace an allowed request by the tokens, if it is unspent; otherwise end the grant (P1).

        ``allowance`` is the one that the poll found; its key and who allowed it are remembered. ``waiting`` is the sealed
        reply: call ``forget_reply_soon`` once the client has received it.
        """
        grant_id = request.grant_id
        given = (
            (
                self._keys.grant(grant_id),
                self._keys.polled_request(grant_id, request.hash),
                self._keys.access_token(grant_id, new.access.hash),
                self._keys.refresh_token(grant_id, new.refresh_hash),
                self._keys.reply(grant_id, request.hash),
            ),
            (
                f"{new.access.hash}:{allowance.binding.mark}:{allowance.by}",
                new.access_record,
                new.access_ends_at,
                new.refresh_record,
                new.refresh_ends_at,
                new.grant_ends_at,
                spent_ends_at,
                waiting.sealed,
                waiting.grace,
            ),
        )
        return self._spend(_spend, given, new, new.place(known=Known.INDEXED))


def _mark(client: Client) -> str:
    """Return the mark that binds a request to its client, and to the client's generation."""
    return base64url(sha256(f"{client.generation} {client.client_id}".encode()).digest()[:16])
