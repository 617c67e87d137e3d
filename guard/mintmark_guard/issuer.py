"""Requests of an API to the token service, whose endpoints are known by discovery and answer in JSON."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp

from mintmark_guard.shared_calls import SharedCalls
from mintmark_guard.verdict import AnsweredError, MisconfiguredError

TIMEOUT = 5.0
"""The most seconds for a response."""
UNANSWERED = (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError)
"""Errors of a request to the token service that brought no valid answer."""
_DISCOVERY = "/.well-known/openid-configuration"
_MAX_ANSWER = 1_048_576
"""The most bytes of a response."""

_OF_PARENTS: list[object] = []
"""Sessions of parent processes, kept because aiohttp would report dropping them as a leak."""

Ask = Callable[[aiohttp.ClientSession], AbstractAsyncContextManager[aiohttp.ClientResponse]]


class Issuer:
    """One issuer, by its URL. Connections are kept from ``open`` to ``close``; otherwise each request makes its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.known: dict[str, Any] = {}
        """Its discovery document, empty until it was read."""
        self._session: aiohttp.ClientSession | None = None
        self._discovering: SharedCalls[dict[str, Any]] = SharedCalls()

    def open(self) -> None:
        """Keep connections, on the running loop; further calls do nothing."""
        if self._session is None:
            self._session = _new_session()

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def forget_process(self) -> None:
        """Drop the connections of the parent process without closing them, as that process still uses them."""
        _OF_PARENTS.append(self._session)
        self._session = None
        self._discovering = SharedCalls()

    async def discovered(self) -> dict[str, Any]:
        """Return the discovery document (OpenID Connect Discovery 1.0 section 4), which is read once.

        Raises:
            MisconfiguredError: It is that of another issuer.
            AnsweredError, ValueError, aiohttp.ClientError, TimeoutError, OSError: As ``fetched``.
        """
        return self.known or await self._discovering.answer("", self._discover)

    async def _discover(self) -> dict[str, Any]:
        found = await self.get(self.url.rstrip("/") + _DISCOVERY)
        if found.get("issuer") != self.url:
            raise MisconfiguredError(
                f"{self.url} calls itself {found.get('issuer')!r}: give the guard that name of the issuer"
            )
        self.known = found
        return found

    async def get(self, url: str) -> dict[str, Any]:
        """Get a JSON document. Raises what ``fetched`` raises."""
        return await self.fetched(lambda session: session.get(url, allow_redirects=False))

    async def fetched(self, ask: Ask) -> dict[str, Any]:
        """Make a request and return the JSON object in its response.

        Raises:
            AnsweredError: The status is not 200.
            ValueError: The content is no JSON object, or is too large.
            aiohttp.ClientError, TimeoutError, OSError: There is no response.
        """
        session = self._session or _new_session()
        try:
            async with ask(session) as response:
                if response.status != 200:
                    raise AnsweredError(response.url.host, response.status)
                text = await response.content.read(_MAX_ANSWER + 1)
                while not response.content.at_eof() and len(text) <= _MAX_ANSWER:
                    text += await response.content.read(_MAX_ANSWER + 1 - len(text))
        finally:
            if session is not self._session:
                await session.close()
        found = json.loads(text) if len(text) <= _MAX_ANSWER else None
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
        return found


def _new_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))
