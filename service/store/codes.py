"""Authorization codes: issued with their grant, redeemed once."""

from collections.abc import Awaitable

import msgspec

from service.protocol.credentials import Credential
from service.records.authorization_code import AuthorizationCode
from service.records.grant import Grant
from service.store import grants
from service.store.answers import Answer
from service.store.spending import NewTokens, Outcome, SpendableStore, Spending, WaitingReply
from service.store.user_index import CountedAs, IndexedScript, Known, Place

_issue = IndexedScript("issue_code", Answer)
_SPENT = b"spent:"
_redeem = IndexedScript("redeem_code", Outcome, confirmed=True)
_INDEXED = Known.INDEXED


class OpenedCode(msgspec.Struct, frozen=True):
    """A code whose grant is alive."""

    credential: Credential
    record: AuthorizationCode | None  # None once the code is spent
    grant: Grant
    ends_at: int | None = None  # epoch seconds, None where it was not asked for
    reply: bytes = b""  # the sealed response to its redemption, kept until the client is known to have it
    key: str = ""  # of a spent code: the mark of the key that it was bound to


class Codes(SpendableStore):
    """Authorization codes in Redis."""

    async def issue(self, code: Credential, record: AuthorizationCode, grant: Grant, ends_at: int) -> bool:
        """Store a code and the grant that it begins until ``ends_at`` (epoch seconds). One round trip.

        Return False where the user is disabled, or the grant was ended while this was under way.
        """
        keys_of_code = (self._keys.grant(code.grant_id), self._keys.code(code.grant_id, code.hash))
        given = (keys_of_code, (grants.encode(grant), record.encode(), ends_at))
        place = Place(code.grant_id, grant.subject, grant.client_id, CountedAs.PASSING, ends_at)
        reply = await self._indexing.begin(_issue, given, place)
        return reply is not None and _issue.read(reply)[0] is Answer.ISSUED

    async def open_by_code(self, code: Credential, *, with_end: bool = False) -> OpenedCode | None:
        """Return the code with its grant; None where it is unknown, expired, or its grant has ended (IA-36). One round trip.

        ``with_end`` reads when it ends, too.
        """
        found = await self._open(self._keys.code(code.grant_id, code.hash), code, with_end=with_end)
        if found is None:
            return None
        if found.held.startswith(_SPENT):
            key = found.held.removeprefix(_SPENT).partition(b":")[2].decode("ascii")
            return OpenedCode(code, None, found.grant, found.ends_at, found.reply, key)
        record = AuthorizationCode.decode(found.held)
        return OpenedCode(code, record, found.grant, found.ends_at, found.reply)

    def redeem(
        self,
        code: Credential,
        new: NewTokens,
        spent_ends_at: int,
        waiting: WaitingReply,
        *,
        with_access_token: bool = False,
        key: str = "",
    ) -> Awaitable[Spending]:
        """Replace the code by the tokens, if it is unspent; otherwise end the grant (P1). One round trip.

        Args:
            code: The code.
            new: The tokens that it buys.
            spent_ends_at: Until when it is remembered as spent, in epoch seconds.
            waiting: The sealed reply. Call ``forget_reply_soon`` once the client has received it. REPEATED carries the first
            reply.
            with_access_token: Whether an access token was issued together with the code: the grant lives as long as that, too.
            key: The mark of the key that the code is bound to, which is remembered.
        """
        given = (
            (
                self._keys.grant(code.grant_id),
                self._keys.code(code.grant_id, code.hash),
                self._keys.access_token(code.grant_id, new.access.hash),
                self._keys.refresh_token(code.grant_id, new.refresh_hash),
                self._keys.reply(code.grant_id, code.hash),
            ),
            (
                f"{new.access.hash}:{key}" if key else new.access.hash,
                new.access_record,
                new.access_ends_at,
                new.refresh_record,
                new.refresh_ends_at,
                new.grant_ends_at,
                spent_ends_at,
                "1" if with_access_token else "",
                waiting.sealed,
                waiting.grace,
            ),
        )
        return self._spend(_redeem, given, new, new.place(known=_INDEXED))
