"""Refresh tokens: exchanged for one successor each, or kept where the client's policy says so (RFC 6749 section 6, P2)."""

from collections.abc import Awaitable

import msgspec

from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.binding import UNBOUND, Binding
from service.protocol.credentials import REFRESH_TOKEN, hashed, new_credential
from service.protocol.errors import InvalidGrant
from service.protocol.names import OFFLINE_ACCESS, GrantTypeName, RefreshRotation
from service.records.client import Client
from service.records.grant import Grant
from service.records.refresh_token import RefreshToken
from service.store.ends import NEVER
from service.store.spending import NewTokens, Spending, WaitingReply
from service.store.store import Store
from service.store.tokens import OpenedRefreshToken
from service.tokens.authorization import Authorization
from service.tokens.replay import key_of, needed_key
from service.tokens.spendable import Spendable, TokenPlan

_JWT_BEARER, _ALWAYS = GrantTypeName.JWT_BEARER, RefreshRotation.ALWAYS


def may_refresh(issuer: Issuer, client: Client, grant: Grant) -> bool:
    """Whether this grant gets a refresh token (IT-20, WM-20): it is a user's, and the client may use one."""
    if not grant.subject or "refresh_token" not in client.grant_types or client.refresh_limit == 0:
        return False
    if grant.grant_type == _JWT_BEARER and not issuer.settings.jwt_bearer_refresh:
        return False
    return not issuer.settings.refresh_needs_offline_access or OFFLINE_ACCESS in grant.scope.split(" ")


def check_refreshable(issuer: Issuer, client: Client, opened: OpenedRefreshToken) -> None:
    """Check that its client could refresh now with this unused token. Raises InvalidGrant."""
    if (opened.record and opened.record.refreshes_left == 0) or not may_refresh(issuer, client, opened.grant):
        raise InvalidGrant(log="no refresh is left, or the client may not refresh any more")
    now = int(issuer.clock())
    ends_at = _refresh_ends_at(issuer, client, opened.grant, now)
    if ends_at != NEVER and ends_at <= now:
        raise _too_old()


class NewRefreshToken(msgspec.Struct, frozen=True):
    """A refresh token that goes with an access token. The defaults mean that there is none."""

    token: str = ""
    """The token for the client; "" also where the one that it has was used for the last time."""
    hash: str = ""
    record: bytes = b""
    ends_at: int = NEVER
    """Epoch seconds."""


_NONE = NewRefreshToken()


def new_refresh_token(
    issuer: Issuer, client: Client, authorization: Authorization, plan: TokenPlan, now: int
) -> NewRefreshToken:
    """Make a refresh token, or renew the one that stays in use; none for a grant that is already too old for it.

    Raises InvalidGrant for a refresh of such a grant.
    """
    left, keeps, spends = plan.refreshes_left, plan.keeps, authorization.spends
    if not may_refresh(issuer, client, authorization.grant) or (left == 0 and not keeps):
        return _NONE
    ends_at = _refresh_ends_at(issuer, client, authorization.grant, now)
    if ends_at != NEVER and ends_at <= now:
        if isinstance(spends, PresentedRefreshToken):
            raise _too_old()
        return _NONE  # a code that is redeemed late gives access all the same (RFC 6749 section 5.1)
    if keeps is not None:
        issued_at = keeps.record.issued_at if keeps.record else now
        binding = keeps.record.binding if keeps.record else UNBOUND
        token = spends.presented if spends and left != 0 else ""
        record = RefreshToken(issued_at, left, "", binding)
        return NewRefreshToken(token, keeps.credential.hash, record.encode(), ends_at)
    token = new_credential(REFRESH_TOKEN, plan.grant_id, issuer.random_text)
    binding = authorization.binding if client.public else UNBOUND  # others authenticate in another way
    exchanged = spends.credential.hash if spends else ""
    if isinstance(spends, PresentedRefreshToken):
        record = RefreshToken(now, left, exchanged, binding)
    else:
        record = RefreshToken(now, left, "", binding, code=exchanged)
    return NewRefreshToken(token, hashed(token), record.encode(), ends_at)


def _refresh_ends_at(issuer: Issuer, client: Client, grant: Grant, now: int) -> int:
    """Return the second at which a refresh token ends: idle or absolute limit, whichever is first; 0 = never.

    The absolute limit may be over, as it is shorter than the wait for a code, or was lowered since.
    """
    idle = (
        issuer.settings.refresh_idle_lifetime if client.refresh_idle_lifetime is None else client.refresh_idle_lifetime
    )
    absolute = client.refresh_absolute_lifetime
    if absolute is None:
        absolute = issuer.settings.refresh_absolute_lifetime
    idle_end, absolute_end = idle and now + idle, absolute and grant.began_at + absolute
    return min(idle_end, absolute_end) if idle_end and absolute_end else idle_end or absolute_end or NEVER


def _too_old() -> InvalidGrant:
    return InvalidGrant(log="the grant is older than refresh_absolute_lifetime")


class PresentedRefreshToken(Spendable, frozen=True, kw_only=True):
    """A refresh token that is rotated: new tokens replace it."""

    GRANT_TYPE = GrantTypeName.REFRESH_TOKEN
    REPLAYED = Event.REFRESH_TOKEN_REUSED
    REPEATED = Event.REFRESH_TOKEN_REPEATED
    NAME = "refresh token"
    REPLAY = "refresh token was already used; its grant is ended"

    opened: OpenedRefreshToken

    def is_repeated(self, fingerprint: str) -> bool:
        """Compare the fingerprints: another request within the grace gets an answer of its own, so it goes on to be spent."""
        return self.is_spent and self.opened.fingerprint == fingerprint

    @property
    def is_bound(self) -> bool:
        """Whether it is bound to a key, or was until it was used, which the fingerprint that is left says."""
        return needed_key(self.opened.fingerprint) if self.is_spent else self.binding != UNBOUND

    def is_proved_by(self, proved: Binding) -> bool:
        """Compare with the mark of the key that is left once it is used."""
        return key_of(self.opened.fingerprint) == proved.mark if self.is_spent else self.binding.is_proved_by(proved)

    def plan(self, issuer: Issuer, client: Client) -> TokenPlan:
        """Return the plan: one refresh less than are left."""
        grace = issuer.settings.refresh_grace if client.refresh_grace is None else client.refresh_grace
        return TokenPlan(self.credential.grant_id, self._left(issuer, client), has_id_token=True, grace=grace)

    def spend(self, store: Store, new: NewTokens, reply: WaitingReply, remembered_until: int) -> Awaitable[Spending]:
        """Rotate it."""
        return store.tokens.rotate(self.opened, new, remembered_until, reply)

    async def may_repeat(self, store: Store) -> bool:
        """Count the repeat, unless the script found it and has counted it already. It may always be given again."""
        if self.is_spent:
            await store.tokens.confirm_rotation(self.credential)
            store.tokens.count_repeat_soon(self.credential)
        return True

    def sealed_with(self, fingerprint: str) -> bytes:
        """Return nothing: the fingerprint is in the record."""
        return b""

    def _left(self, issuer: Issuer, client: Client) -> int | None:
        left = self.opened.record.refreshes_left if self.opened.record else client.refresh_limit
        if left == 0 or not may_refresh(issuer, client, self.grant):
            raise InvalidGrant(log="no refresh is left, or the client may not refresh any more")
        return None if left is None else left - 1


class KeptRefreshToken(PresentedRefreshToken, frozen=True, kw_only=True):
    """A refresh token that is not rotated, with its count of refreshes compared and set.

    Once used up, it is kept as well: presented again it is refused, but is no sign of theft as a used one would be.
    """

    def plan(self, issuer: Issuer, client: Client) -> TokenPlan:
        """Return the plan: a further access token."""
        left = self._left(issuer, client)
        return TokenPlan(self.credential.grant_id, left, has_id_token=True, keeps=self.opened)

    def spend(self, store: Store, new: NewTokens, reply: WaitingReply, remembered_until: int) -> Awaitable[Spending]:
        """Keep it, with its new record and end."""
        return store.tokens.reuse(self.opened, new)

    async def reopen(self, store: Store) -> "KeptRefreshToken":
        """Read it again, as another refresh was first. Raises InvalidGrant where it has ended or none is left."""
        opened = await store.tokens.open_by_refresh(self.credential)
        if opened is None or opened.record is None:
            raise InvalidGrant(log="refresh token ended meanwhile, or no refresh is left")
        return msgspec.structs.replace(self, grant=opened.grant, binding=opened.record.binding, opened=opened)


def present_refresh_token(
    issuer: Issuer, client: Client, presented: str, opened: OpenedRefreshToken
) -> PresentedRefreshToken:
    """Return a refresh token that was read, to be rotated or kept by the client's policy; a used one was rotated."""
    policy = client.refresh_rotation or issuer.settings.refresh_rotation
    rotates = policy is _ALWAYS or (policy is RefreshRotation.PUBLIC_CLIENTS and client.public)
    kind = PresentedRefreshToken if rotates or opened.record is None else KeptRefreshToken
    return kind(
        credential=opened.credential,
        grant=opened.grant,
        presented=presented,
        is_spent=opened.record is None,
        reply=opened.reply,
        binding=opened.record.binding if opened.record else UNBOUND,
        opened=opened,
    )
