"""Credentials that are exchanged once and are worthless afterwards: codes, and requests that their clients poll for."""

import asyncio
from collections.abc import Callable

from service.protocol.binding import UNBOUND, Binding
from service.store.spending import SpendableStore
from service.store.store import Store
from service.tokens.spendable import Spendable

MOMENT = 0.5
"""Seconds for the first of several redemptions to reach its client, before another gets the same response."""


class RedeemedOnce(Spendable, frozen=True, kw_only=True):
    """A credential whose sealed response is kept until the client has it.

    A request that failed with Redis, or whose connection broke, may come again within ``code_grace``.
    """

    is_listening: Callable[[], bool]
    """Whether the client is still connected."""
    spent_key: str = ""
    """The mark of the key that it was bound to, once it is spent."""

    @property
    def is_bound(self) -> bool:
        """Whether the request that began it bound it to a key (RFC 9449 section 10), also once it is spent."""
        return bool(self.spent_key) if self.is_spent else self.binding != UNBOUND

    def is_proved_by(self, proved: Binding) -> bool:
        """Compare with the mark that is left once it is spent: a caller without the key could not have redeemed it."""
        return proved.has_mark(self.spent_key) if self.is_spent else self.binding.is_proved_by(proved)

    def kept_in(self, store: Store) -> SpendableStore:
        """Return the part of the store that keeps its kind."""
        raise TypeError(f"{type(self).__name__} does not say where in {store} it is kept")

    async def may_repeat(self, store: Store) -> bool:
        """Wait a moment for the first request to reach its client."""
        await asyncio.sleep(MOMENT)
        return await self.kept_in(store).waits(self.credential)

    def note_delivery(self, store: Store, *, is_repeat: bool = False) -> None:
        """Delete the sealed response a moment later, when repeated requests are over: a further redemption is theft."""
        if self.is_listening():
            self.kept_in(store).forget_reply_soon(self.credential, after=2 * MOMENT if is_repeat else 0)
