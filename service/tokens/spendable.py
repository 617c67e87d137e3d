"""What is presented and exchanged for tokens, once: codes, refresh tokens, and whatever kind is added (P1, P2).

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
    """With an ID token, where the grant is an OpenID Connect one."""
    nonce: str | None = None
    """For the ID token."""
    auth_req_id: str = ""
    """What the ID token says that it answers, where it is delivered to its client (CIBA Core 1.0 section 10.3.1)."""
    keeps: OpenedRefreshToken | None = None
    """The refresh token that stays in use in the place of a new one."""
    grace: int = 0
    """Seconds for which the sealed response waits for the same request, 0 = not at all."""


class Spendable(msgspec.Struct, frozen=True, kw_only=True):
    """What was presented to be exchanged, as it was read."""

    GRANT_TYPE: ClassVar[str]
    """How hooks know the exchange."""
    REPLAYED: ClassVar[Event]
    """Security event: it was spent before, and its grant is ended."""
    REPEATED: ClassVar[Event]
    """Security event: the response to its use was given again."""
    NAME: ClassVar[str]
    """Its name in messages for operators."""
    REPLAY: ClassVar[str]
    """What the log says of a replay."""

    credential: Credential
    grant: Grant
    presented: str
    """Its text: what opens the sealed reply to its use."""
    is_spent: bool = False
    reply: bytes = b""
    """The sealed reply to its use, where it is spent and that waits."""
    binding: Binding = UNBOUND
    """The key without which it is worth nothing, as far as was read."""

    def is_repeated(self, fingerprint: str) -> bool:
        """Tell whether it was spent by a request that asked for the same, as far as was read."""
        return self.is_spent

    @property
    def is_bound(self) -> bool:
        """Whether it is, or was until it was spent, worth nothing without a key, as far as what is left tells."""
        return False

    def is_proved_by(self, shown: Binding) -> bool:
        """Tell whether who shows these keys may use it (P9)."""
        return self.binding.is_proved_by(shown)

    def plan(self, issuer: Issuer, client: Client) -> TokenPlan:
        """Say which tokens it is exchanged for. Raises InvalidGrant."""
        return TokenPlan(self.credential.grant_id, client.refresh_limit, has_id_token=True)

    def spend(self, store: Store, new: NewTokens, reply: WaitingReply, remembered_until: int) -> Awaitable[Spending]:
        """Put tokens in its place, if it is unspent, in one round trip.

        Args:
            store: Where it is kept.
            new: The tokens.
            reply: The sealed response, for the same request.
            remembered_until: Until when a grant that can be refreshed remembers that this was spent, in epoch seconds.
        """
        raise TypeError(f"{type(self).__name__} does not say how it is spent")

    async def reopen(self, store: Store) -> "Spendable":
        """Read it again, after ``Outcome.CHANGED``. Raises InvalidGrant."""
        return self

    async def may_repeat(self, store: Store) -> bool:
        """Tell whether the reply may be given again; counts that it is. False: its client has it."""
        return True

    def note_delivery(self, store: Store, *, is_repeat: bool = False) -> None:
        """Note that the client has the response, without waiting."""

    def sealed_with(self, fingerprint: str) -> bytes:
        """What has to be said to open the reply, beside the credential itself: all that makes a request the same one."""
        return f"\0{fingerprint}".encode()
