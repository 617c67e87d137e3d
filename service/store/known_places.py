"""Browsers and networks from which a user signed in before: what strangers do elsewhere must not keep the user out there."""

from service.redis.connection import KeyedCommand
from service.redis.script import Script
from service.store.answers import Answer
from service.store.record_store import RecordStore

LIFETIME = 90 * 86400
"""Seconds for which a place is remembered after the last sign-in there."""
_MOST = 20
"""Browsers, and networks, of one user."""


_remember = Script("remember_places", Answer)


class KnownPlaces(RecordStore):
    """Places in Redis, by names that say nothing of them, scored by the second at which each is forgotten."""

    def read_steps(self, username: str, browser: str, network: str) -> tuple[KeyedCommand, KeyedCommand]:
        """Two steps for ``execute_all``; their replies are for ``ends_at``."""
        browsers, networks = self._keys.known_browsers(username), self._keys.known_networks(username)
        return (browsers, ("ZSCORE", browsers, browser)), (networks, ("ZSCORE", networks, network))

    @staticmethod
    def ends_at(reply: bytes | None) -> float:
        """The second at which a place is forgotten, 0 where it is not known."""
        return float(reply or 0)

    def remember_soon(self, username: str, browser: str, network: str) -> None:
        """Remember a browser ("" = none) and a network, without waiting: what gets lost is remembered the next time."""
        places = (self._keys.known_browsers(username), self._keys.known_networks(username))
        key, command = _remember.step(self._connection, places, (browser, network, LIFETIME, _MOST))
        self._connection.execute_soon(key, command, lingers=True)

    async def forget(self, username: str) -> None:
        """Forget every place of a user. One round trip."""
        browsers, networks = self._keys.known_browsers(username), self._keys.known_networks(username)
        await self._connection.execute(browsers, "DEL", browsers, networks)
