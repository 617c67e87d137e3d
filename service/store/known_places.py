"""Browsers and networks from which a user signed in before: failures elsewhere must not lock the user out there."""

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
    """Places in Redis, by names that reveal nothing of them, scored by the second at which each is forgotten."""

    def read_steps(self, username: str, browser: str, network: str) -> tuple[KeyedCommand, KeyedCommand]:
        """Return two steps for ``execute_all``; ``ends_at`` takes their replies."""
        browsers, networks = self._keys.known_browsers(username), self._keys.known_networks(username)
        return (browsers, ("ZSCORE", browsers, browser)), (networks, ("ZSCORE", networks, network))

    @staticmethod
    def ends_at(reply: bytes | None) -> float:
        """Return the second at which a place is forgotten, 0 where it is not known."""
        return float(reply or 0)

    def remember_soon(self, username: str, browser: str, network: str) -> None:
        """Remember a browser ("" = none) and a network, without waiting; the next sign-in sends a lost one again."""
        places = (self._keys.known_browsers(username), self._keys.known_networks(username))
        key, command = _remember.step(self._connection, places, (browser, network, LIFETIME, _MOST))
        self._connection.execute_soon(key, command, lingers=True)

    async def forget(self, username: str) -> None:
        """Forget every place of a user. One round trip."""
        browsers, networks = self._keys.known_browsers(username), self._keys.known_networks(username)
        await self._connection.execute(browsers, "DEL", browsers, networks)
