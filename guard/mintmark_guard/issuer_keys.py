"""The keys that the token service publishes, read again every few minutes."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import jwt

from mintmark_guard.jws import parsed_key
from mintmark_guard.shared_calls import SharedCalls

log = logging.getLogger(__name__)

_AGAIN = 10.0
"""Seconds after which an unknown ``kid`` makes us fetch the keys once more."""
_FOR = 300.0
"""Seconds after which keys are read again."""
_AT_MOST = 3600.0
"""Seconds after which keys that could not be read again are not used: they may have been withdrawn meanwhile."""


class IssuerKeys:
    """The keys of an issuer. Known keys stay in use while they are read again, and for an hour if that fails."""

    def __init__(self, fetch: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        """Begin without keys. ``fetch`` returns the current JWK set."""
        self._fetch = fetch
        self._known: dict[str, jwt.PyJWK] = {}
        self._read_at = self._again_at = float("-inf")
        self._reading: SharedCalls[None] = SharedCalls()

    def known(self, kid: str) -> jwt.PyJWK | None:
        """Return the key of this ``kid``, None if it is unknown or the keys are due to be read again."""
        return None if time.monotonic() - self._read_at >= _FOR else self._known.get(kid)

    async def get(self, kid: str) -> jwt.PyJWK | None:
        """Return the key of this ``kid``, None if there is none. Raises as ``fetch``, ValueError if it failed a moment ago."""
        now = time.monotonic()
        is_usable = kid in self._known and now - self._read_at < _AT_MOST
        reading = self._reading.under_way("")
        if now >= self._again_at and (not is_usable or now - self._read_at >= _FOR):
            reading = self._reading.start("", self._read)
        if reading is not None and not is_usable:
            await asyncio.shield(reading)
        if not self._known or time.monotonic() - self._read_at >= _AT_MOST:
            raise ValueError("the keys could not be read a moment ago")
        return self._known.get(kid)

    async def _read(self) -> None:
        self._again_at = time.monotonic() + _AGAIN
        try:
            published = (await self._fetch())["keys"]
        except Exception as error:
            log.warning("guard: the keys of the token service cannot be read: %s", str(error) or type(error).__name__)
            raise
        usable = {}
        for one in published:
            # A key of an unknown kind must not keep us from the others.
            if isinstance(one, dict) and isinstance(one.get("kid"), str) and (key := parsed_key(one)) is not None:
                usable[one["kid"]] = key
        self._known, self._read_at = usable, time.monotonic()
