"""Credentials that are exchanged once and are worthless afterwards: codes, and requests that their clients poll for."""

import asyncio
from collections.abc import Callable

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

    def kept_in(self, store: Store) -> SpendableStore:
        """Return the room of the store for its kind."""
        raise TypeError(f"{type(self).__name__} does not say where in {store} it is kept")

    async def may_repeat(self, store: Store) -> bool:
        """Wait a moment for the first request to reach its client."""
        await asyncio.sleep(MOMENT)
        return await self.kept_in(store).waits(self.credential)

    def note_delivery(self, store: Store, *, is_repeat: bool = False) -> None:
        """Delete the sealed response a moment later, when repeated requests are over: a further redemption is theft."""
        if self.is_listening():
            self.kept_in(store).forget_reply_soon(self.credential, after=2 * MOMENT if is_repeat else 0)
