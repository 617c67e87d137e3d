"""The token service as an API asks it: by discovery, and for JSON alone."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp

from mintmark_guard.shared_calls import SharedCalls
from mintmark_guard.verdict import AnsweredError, MisconfiguredError

TIMEOUT = 5.0
"""Seconds for an answer."""
UNANSWERED = (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError)
"""Errors of a request to the token service that brought no valid answer."""
_DISCOVERY = "/.well-known/openid-configuration"
_MAX_ANSWER = 1_048_576
"""Bytes."""

_OF_PARENTS: list[object] = []
"""Sessions of processes that we were forked off: to drop them would be reported as a leak."""

Ask = Callable[[aiohttp.ClientSession], AbstractAsyncContextManager[aiohttp.ClientResponse]]


class Issuer:
    """One issuer, by its URL. Connections are kept from ``open`` to ``close``; without, each question has its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.known: dict[str, Any] = {}
        """Its discovery document, once it was asked for it."""
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
        """Have no connection of another process; it is not closed, since that process goes on to use it."""
        _OF_PARENTS.append(self._session)
        self._session = None
        self._discovering = SharedCalls()

    async def discovered(self) -> dict[str, Any]:
        """Return the discovery document (OpenID Connect Discovery 1.0 section 4), asked for once.

        Raises:
            MisconfiguredError: It is another issuer's.
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
        """Get a document, as ``fetched`` does."""
        return await self.fetched(lambda session: session.get(url, allow_redirects=False))

    async def fetched(self, ask: Ask) -> dict[str, Any]:
        """Ask for a JSON object.

        Raises:
            AnsweredError: The status is not 200.
            ValueError: It is something else, or too large.
            aiohttp.ClientError, TimeoutError, OSError: There is no answer.
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
