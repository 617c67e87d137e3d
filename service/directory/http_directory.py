"""A directory behind a webhook: the users are kept elsewhere, the counting of wrong passwords stays here.

``POST {directory_url}/verify`` with ``{"username", "password", "address"}`` answers 200 ``{"sub", "username"?}``, or 404
where it is wrong, or 429 with Retry-After. ``POST {directory_url}/claims`` with ``{"sub", "scopes"}`` answers 200
``{"claims": {…}}``, or 404 where no user may sign in as that one (any more). ``POST {directory_url}/find`` with
``{"username"}`` or ``{"sub"}`` answers 200 ``{"sub", "username"?}``, or 404; only CIBA asks it.

401 and 403 are about Mintmark itself, as of any server (RFC 9110 section 15.5): the webhook does not take ``directory_secret``.
That says nothing about the user, so no failure is counted. By 0.1.0 they said that a password was wrong, and guesses at a
webhook that still answers so must count: where ``/claims`` is not refused as well, the password was wrong.
"""

import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import orjson

from service.concurrency.fair_queue import FairQueue
from service.directory.directory import BlockedError, Person
from service.directory.guessing import Attempt, GuessLimiter
from service.observe.events import Event
from service.observe.sampling import Sampled
from service.outbound.http_client import (
    CONNECTIONS_EACH,
    JSON_HEADERS,
    HttpClient,
    HttpClientError,
    HttpResponse,
    Purpose,
)
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.typed_text import prepared_name
from service.settings import Settings
from service.store.store import Store

log = logging.getLogger(__name__)

_REFUSAL = Sampled(log, Event.DIRECTORY_REFUSED)
_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
_UNKNOWN = 404
"""The status for a wrong password, and for a user who is not there or may not sign in."""

_REFUSED = (401, 403)
_LONGEST_WAIT = 3600
"""Seconds that a webhook can make users wait."""

_FOR_CLAIMS = 3
"""Connections that are reserved for users who have signed in, and whose claims are requested."""


class HttpDirectory:
    """See ``Directory``. Whatever is no answer (down, slow, 5xx, not what is agreed) is TemporarilyUnavailable."""

    def __init__(self, store: Store, http_client: HttpClient, settings: Settings) -> None:
        self._limiter = GuessLimiter(store, settings)
        self._http_client = http_client
        self._url = (settings.directory_url or "").rstrip("/")
        secret = settings.directory_secret.get_secret_value() if settings.directory_secret else ""
        self._headers = JSON_HEADERS | ({"Authorization": f"Bearer {secret}"} if secret else {})
        self._timeout = settings.directory_timeout
        self._queue = FairQueue(
            CONNECTIONS_EACH - _FOR_CLAIMS,
            settings.argon2_queue,
            settings.argon2_wait,
            "passwords to be verified (directory_url)",
        )

    async def verify(self, username: str, password: str, address: str, device: str | None = None) -> Person | None:
        """See ``Directory``. The password is sent as it was typed, as only the webhook knows what was hashed."""
        name = prepared_name(username)
        async with self._limiter.turn(Attempt(name, address, device)) as turn:
            await self._queue.take(turn.requester)
            try:
                answered = await self._ask("verify", {"username": name, "password": password, "address": address})
                if answered.status in _REFUSED:
                    await self._call("claims", {"sub": "", "scopes": []})  # raises where Mintmark is refused
            finally:
                self._queue.release()
            if answered.status == 429:
                raise BlockedError(min(answered.retry_after or 1, _LONGEST_WAIT), Event.USER_BLOCKED)
            if answered.status in (_UNKNOWN, *_REFUSED):
                await self._limiter.failed(turn)
                return None
            person = _person(self._members(answered), name)
            return replace(person, device=self._limiter.succeeded(turn))

    async def claims(self, subject: str, scopes: Collection[str], _username: str = "") -> Mapping[str, Any] | None:
        """See ``Directory``."""
        answered = await self._call("claims", {"sub": subject, "scopes": list(scopes)})
        if answered.status == _UNKNOWN:
            return None
        claims = self._members(answered).get("claims")
        if not isinstance(claims, dict):
            raise TemporarilyUnavailable(log="directory: no claims in its answer")
        return claims

    async def find(self, username: str) -> Person | None:
        """See ``Directory``."""
        return await self._found({"username": prepared_name(username)}, prepared_name(username))

    async def find_subject(self, subject: str) -> Person | None:
        """See ``Directory``."""
        found = await self._found({"sub": subject}, subject)
        if found is not None and found.subject != subject:
            raise TemporarilyUnavailable(log="directory: it found another sub than the one that was asked for")
        return found

    async def _found(self, query: Mapping[str, str], username: str) -> Person | None:
        answered = await self._call("find", query)
        return None if answered.status == _UNKNOWN else _person(self._members(answered), username)

    async def _call(self, what: str, value: Mapping[str, Any]) -> HttpResponse:
        answered = await self._ask(what, value)
        if answered.status in _REFUSED:
            _REFUSAL.write({"call": what, "status": answered.status})
            raise TemporarilyUnavailable(
                log=f"directory: it refused Mintmark by {answered.status}: check directory_secret"
            )
        return answered

    async def _ask(self, what: str, value: Mapping[str, Any]) -> HttpResponse:
        try:
            return await self._http_client.request(
                "POST",
                f"{self._url}/{what}",
                Purpose.DIRECTORY,
                headers=self._headers,
                body=orjson.dumps(value),
                timeout=self._timeout,
            )
        except HttpClientError as error:
            raise TemporarilyUnavailable(log=f"directory: {error}") from error

    @staticmethod
    def _members(answered: HttpResponse) -> dict[str, Any]:
        try:
            members = orjson.loads(answered.content) if answered.status == 200 else None
        except orjson.JSONDecodeError:
            members = None
        if not isinstance(members, dict):
            raise TemporarilyUnavailable(log=f"directory: answered {answered.status} and no JSON object")
        return members


def _person(members: Mapping[str, Any], username: str) -> Person:
    subject, name = members.get("sub"), members.get("username", username)
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject) or not isinstance(name, str) or len(name) > 255:
        raise TemporarilyUnavailable(log="directory: sub must be 1 to 255 printable ASCII characters without spaces")
    return Person(subject, name)
