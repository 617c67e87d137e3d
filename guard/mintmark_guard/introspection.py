"""Tokens of any format, about which their issuer is asked (RFC 7662), and its answers until they may not be true any more."""

import json
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from mintmark_guard.claims_cache import ClaimsCache
from mintmark_guard.credentials import SCHEMES, basic
from mintmark_guard.issuer import Issuer
from mintmark_guard.shared_calls import SharedCalls
from mintmark_guard.token_source import InactiveError
from mintmark_guard.verdict import AnsweredError, MisconfiguredError

if TYPE_CHECKING:
    from mintmark_guard.revocations import Revocations


class Introspection:
    """Asks as a client with client_secret_basic.

    Args:
        issuer: Whom to ask.
        client_id: Of this API's own client.
        client_secret: Likewise.
        redis_url: Where to hear at once of what has ended, "" = nowhere.
        cache_size: How many answers are remembered.
        cache_seconds: For how long; None: 60 seconds where we hear of what has ended, else not at all.
    """

    def __init__(
        self,
        issuer: Issuer,
        client_id: str,
        client_secret: str,
        *,
        redis_url: str = "",
        cache_size: int = 10_000,
        cache_seconds: float | None = None,
    ) -> None:
        self._issuer = issuer
        self._client_id, self._client_secret = client_id, client_secret
        self.cache = ClaimsCache(cache_size, time.monotonic)
        self._cache_seconds = cache_seconds if cache_seconds is not None else (60.0 if redis_url else 0.0)
        self._requests: SharedCalls[Mapping[str, Any] | None] = SharedCalls()
        self.hears = False
        """Whether news of what has ended arrive."""
        self._revocations = _revocations(redis_url) if redis_url else None

    def at_hand(self, text: str) -> Mapping[str, Any] | None:
        """Return what is remembered."""
        return self.cache.get(sha256(text.encode()).digest())

    async def claims(self, text: str) -> Mapping[str, Any]:
        """Return the claims from memory, or ask the token service; concurrent callers share one request."""
        self.open()
        key = sha256(text.encode()).digest()
        claims = self.cache.get(key)
        if claims is None:
            claims = await self._requests.answer(key, lambda: self._introspect(text, key))
        if claims is None:
            raise InactiveError
        return claims

    async def start(self) -> None:
        """Begin to listen, and see whether the issuer takes our credentials."""
        self.open()
        await self._answer_about("a text that is no token")

    def open(self) -> None:
        """Begin to listen, on the running loop; further calls do nothing."""
        self._issuer.open()
        if self._revocations is not None:
            self._revocations.listen(self.ended, self.changed, self.hearing)

    async def close(self) -> None:
        """Stop listening."""
        if self._revocations is not None:
            await self._revocations.close()

    async def _introspect(self, text: str, key: bytes) -> Mapping[str, Any] | None:
        news = self.cache.news
        answer = await self._answer_about(text)
        if answer.get("active") is not True or str(answer.get("token_type", "")).lower() not in SCHEMES:
            return None  # a refresh token is active, too: it is for the token endpoint alone
        expires = answer.get("exp")
        seconds = min(self._cache_seconds, expires - time.time()) if isinstance(expires, int | float) else 0
        # What ended while we asked may have ended after the answer was made.
        if seconds > 0 and news == self.cache.news and (self.hears or self._revocations is None):
            self.cache.keep(key, answer, seconds)
        return answer

    async def _answer_about(self, text: str) -> dict[str, Any]:
        """The answer to one question (RFC 7662 section 2.2). Raises MisconfiguredError where we are not known there."""
        endpoint = (await self._issuer.discovered())["introspection_endpoint"]
        headers = {"Authorization": basic(self._client_id, self._client_secret)}
        try:
            return await self._issuer.fetched(
                lambda session: session.post(endpoint, data={"token": text}, headers=headers, allow_redirects=False)
            )
        except AnsweredError as error:
            if error.status not in (400, 401, 403):
                raise
            raise MisconfiguredError(
                f"the token service {self._issuer.url} refuses this API's own client {self._client_id!r} "
                f"({error.status}): its client_id, its secret, or its method, which must be client_secret_basic"
            ) from error

    # news

    def ended(self, grant_id: str) -> None:
        """Forget a grant that has ended, or a token of which has."""
        self._requests.forget()  # every later caller asks anew: what is under way may be older than the news
        self.cache.forget_grant(grant_id)

    def changed(self, message: bytes) -> None:
        """Forget clients of which something has changed: ``{"clients": […]}``; everything where it is not clear what."""
        self._requests.forget()
        try:
            for name in json.loads(message)["clients"]:
                if name == self._client_id:  # what we may see has changed
                    self.cache.clear()
                self.cache.forget_client(name)
        except (ValueError, KeyError, TypeError):
            self.cache.clear()

    def hearing(self, now: bool) -> None:
        """Note that listening has begun or ended: what was published in between is lost."""
        self.hears = now
        self.cache.clear()


def _revocations(redis_url: str) -> "Revocations":
    try:
        from mintmark_guard.revocations import Revocations
    except ImportError as error:
        raise ImportError(
            "redis_url needs the Redis client: pip install './guard[redis]' in a checkout of Mintmark"
        ) from error
    return Revocations(redis_url)
