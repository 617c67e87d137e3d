"""Claims of tokens of any format by introspection at their issuer (RFC 7662), with a cache of its responses."""

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
    """A token source that introspects, as a client with client_secret_basic.

    Args:
        issuer: The token service.
        client_id: Of this API's own client.
        client_secret: Of the same client.
        redis_url: The Redis that publishes what has ended, "" = none.
        cache_size: The most cached responses.
        cache_seconds: Seconds for which each is cached; None: 60 with ``redis_url``, 0 without.
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
        """Whether the channels of Redis are being listened to."""
        self._revocations = _revocations(redis_url) if redis_url else None

    def at_hand(self, text: str) -> Mapping[str, Any] | None:
        """Return the cached claims of a token, None where there are none."""
        return self.cache.get(sha256(text.encode()).digest())

    async def claims(self, text: str) -> Mapping[str, Any]:
        """Return the claims from the cache or from the token service; concurrent callers share one request."""
        self.open()
        key = sha256(text.encode()).digest()
        claims = self.cache.get(key)
        if claims is None:
            claims = await self._requests.answer(key, lambda: self._introspect(text, key))
        if claims is None:
            raise InactiveError
        return claims

    async def start(self) -> None:
        """Begin to listen, and check that the issuer accepts our credentials."""
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
            return None  # a refresh token is active, too, but is for the token endpoint only
        expires = answer.get("exp")
        seconds = min(self._cache_seconds, expires - time.time()) if isinstance(expires, int | float) else 0
        # If news came during the request, the token may have ended after the response was made.
        if seconds > 0 and news == self.cache.news and (self.hears or self._revocations is None):
            self.cache.keep(key, answer, seconds)
        return answer

    async def _answer_about(self, text: str) -> dict[str, Any]:
        """Return one introspection response (RFC 7662 section 2.2). Raises MisconfiguredError where our client is refused."""
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
        """Forget a grant that has ended, or one of whose tokens has ended."""
        self._requests.forget()  # later callers ask anew, as a running request may be older than the news
        self.cache.forget_grant(grant_id)

    def changed(self, message: bytes) -> None:
        """Forget changed clients, from a message ``{"clients": […]}``; forget everything if the message is not readable."""
        self._requests.forget()
        try:
            for name in json.loads(message)["clients"]:
                if name == self._client_id:  # the claims that this API may see have changed
                    self.cache.clear()
                self.cache.forget_client(name)
        except (ValueError, KeyError, TypeError):
            self.cache.clear()

    def hearing(self, now: bool) -> None:
        """Note that listening has begun or ended, and forget everything, as messages in between are lost."""
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
