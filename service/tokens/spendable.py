"""Credentials that are exchanged once for tokens: codes, refresh tokens, and whatever kind is added (P1, P2).

A kind is a class here with its script in the store; ``issuing`` and ``replay`` treat all kinds alike.
"""

from collections.abc import Awaitable
from typing import ClassVar

import msgspec

from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.binding import UNBOUND, Binding
from service.protocol.credentials import Credential
from service.records.client import Client
from service.records.grant import Grant
from service.store.spending import NewTokens, Spending, WaitingReply
from service.store.store import Store
from service.store.tokens import OpenedRefreshToken


class TokenPlan(msgspec.Struct, frozen=True):
    """Which tokens are to be made."""

    grant_id: str
    refreshes_left: int | None
    """How often the refresh token may be used: None = without a bound, 0 = there is none."""
    has_id_token: bool = False
    """Whether to make an ID token, where the grant is an OpenID Connect one."""
    nonce: str | None = None
    """The nonce in the ID token."""
    auth_req_id: str = ""
    """The request that the ID token names, where it is delivered to its client (CIBA Core 1.0 section 10.3.1)."""
    keeps: OpenedRefreshToken | None = None
    """The refresh token that stays in use instead of a new one."""
    grace: int = 0
    """Seconds for which the sealed response is kept for the same request, 0 = not at all."""


class Spendable(msgspec.Struct, frozen=True, kw_only=True):
    """A presented credential, as it was read."""

    GRANT_TYPE: ClassVar[str]
    """The name of the exchange for hooks."""
    REPLAYED: ClassVar[Event]
    """The security event of a replay, which ends the grant."""
    REPEATED: ClassVar[Event]
    """The security event of a response that was given again."""
    NAME: ClassVar[str]
    """Its name in messages for operators."""
    REPLAY: ClassVar[str]
    """The text for a replay in the log."""

    credential: Credential
    grant: Grant
    presented: str
    """The text of the credential, which opens the sealed reply to its use."""
    is_spent: bool = False
    reply: bytes = b""
    """The sealed reply to its use, if it is spent and that is kept."""
    binding: Binding = UNBOUND
    """The key that it is bound to, as far as was read."""

    def is_repeated(self, fingerprint: str) -> bool:
        """Whether the same request has spent it, as far as was read."""
        return self.is_spent

    @property
    def is_bound(self) -> bool:
        """Whether it is bound to a key, or was until it was spent, as far as the record shows."""
        return False

    def is_proved_by(self, proved: Binding) -> bool:
        """Whether a sender who proves these keys may use it (P9)."""
        return self.binding.is_proved_by(proved)

    def plan(self, issuer: Issuer, client: Client) -> TokenPlan:
        """Return which tokens it is exchanged for. Raises InvalidGrant."""
        return TokenPlan(self.credential.grant_id, client.refresh_limit, has_id_token=True)

    def spend(self, store: Store, new: NewTokens, reply: WaitingReply, remembered_until: int) -> Awaitable[Spending]:
        """Replace it by tokens, if it is unspent, in one round trip.

        Args:
            store: Where it is kept.
            new: The tokens.
            reply: The sealed response, for the same request.
            remembered_until: The epoch second until which a grant that can be refreshed remembers that this was spent.
        """
        raise TypeError(f"{type(self).__name__} does not say how it is spent")

    async def reopen(self, store: Store) -> "Spendable":
        """Read it again, after ``Outcome.CHANGED``. Raises InvalidGrant."""
        return self

    async def may_repeat(self, store: Store) -> bool:
        """Count that the reply is given again. Return False where it may not be, as its client has it."""
        return True

    def note_delivery(self, store: Store, *, is_repeat: bool = False) -> None:
        """Note that the client has the response, without waiting."""

    def sealed_with(self, fingerprint: str) -> bytes:
        """Return what else opens the reply besides the credential: all that makes a request the same one."""
        return f"\0{fingerprint}".encode()
