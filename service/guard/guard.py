"""The check itself: is this token good, for us, and for that?"""

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import jwt

from service.guard.cache import Cache
from service.protocol.credentials import GRANT_ID_LENGTH
from service.signing.client_keys import ALGORITHMS
from service.signing.jws import UnverifiableError, checked_claims, parse
from service.store import keys
from service.store.address import of_url
from service.store.connection import Connection, open_connection

TIMEOUT = 5.0
MAX_TOKEN = 8192
_REQUIRED = ("exp", "iat", "jti", "sub", "client_id")
"""Claims of every JWT access token (RFC 9068 section 2.2)."""
_KEYS_AGAIN = 10.0
"""Seconds after which an unknown ``kid`` makes us fetch the keys once more."""
_KEYS_FOR = 300.0
_DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Token:
    """A token that is good. ``claims``: of the JWT, or what introspection said."""

    claims: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """Whose it is; of client_credentials the client itself, or "" where only introspection was asked."""
        return str(self.claims.get("sub", ""))

    @property
    def client_id(self) -> str:
        """Whom it was issued to."""
        return str(self.claims.get("client_id", ""))

    @property
    def scopes(self) -> frozenset[str]:
        """What it is for."""
        return frozenset(str(self.claims.get("scope", "")).split())


class Refused(Exception):
    """The request is not let in (RFC 6750 section 3.1). ``status``: 401, 403, or 503 where nobody could be asked."""

    def __init__(self, status: int, error: str = "", description: str = "") -> None:
        super().__init__(description or error)
        self.status, self.error, self.description = status, error, description

    @property
    def headers(self) -> dict[str, str]:
        """``WWW-Authenticate``; ``Retry-After`` with 503."""
        if self.status == 503:
            return {"Retry-After": "1"}
        told = {"error": self.error, "error_description": self.description} if self.error else {}
        return {"WWW-Authenticate": "Bearer" + ",".join(f' {name}="{text}"' for name, text in told.items())}

    @property
    def body(self) -> bytes:
        """JSON."""
        return json.dumps({"error": self.error or "unauthorized", "error_description": self.description}).encode()


class Guard:
    """For one resource server. Made by ``by_jwks`` or ``by_introspection``; ``start`` it on the running loop, ``close`` it."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        credentials: tuple[str, str] | None,
        redis_url: str | None,
        cache_size: int,
        cache_seconds: float | None,
    ) -> None:
        self._issuer, self._audience = issuer, audience
        self._credentials = credentials
        self._cache = Cache(cache_size, time.monotonic)
        self._cache_seconds = cache_seconds if cache_seconds is not None else (60.0 if redis_url else 0.0)
        self._connection: Connection | None = open_connection(of_url(redis_url)) if redis_url else None
        self._hears = False
        self._session: aiohttp.ClientSession | None = None
        self._asking: dict[bytes, asyncio.Future[Mapping[str, Any] | None]] = {}
        self._metadata: dict[str, Any] | None = None
        self._keys: dict[str, jwt.PyJWK] = {}
        self._keys_read_at = self._keys_again_at = 0.0
        self._reading_keys: asyncio.Future[None] | None = None

    @classmethod
    def by_jwks(cls, issuer: str, audience: str) -> Self:
        """Verify JWTs with the issuer's published keys: asks nobody, and learns of no revocation before they expire."""
        return cls(issuer, audience, credentials=None, redis_url=None, cache_size=0, cache_seconds=0)

    @classmethod
    def by_introspection(
        cls,
        issuer: str,
        audience: str,
        client_id: str,
        client_secret: str,
        *,
        redis_url: str | None = None,
        cache_size: int = 10_000,
        cache_seconds: float | None = None,
    ) -> Self:
        """Ask the issuer about each token, as a client with client_secret_basic that may introspect tokens for ``audience``.

        ``redis_url``: of the service's Redis, whose channels tell at once what has ended: then answers are remembered, for
        ``cache_seconds`` (60) and never beyond ``exp``; nothing is, while the channels are down. A link that hangs is noticed
        within 2 seconds. Without it answers are remembered for ``cache_seconds`` (0) whatever ends meanwhile.
        """
        return cls(
            *(issuer, audience),
            credentials=(client_id, client_secret),
            redis_url=redis_url,
            cache_size=cache_size,
            cache_seconds=cache_seconds,
        )

    async def start(self) -> None:
        """Begin to listen; further calls do nothing."""
        if self._session is not None:
            return
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))
        if self._connection is not None:
            self._connection.listen((keys.ENDED, keys.CHANGES), self._hear, self._hearing)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._connection is not None:
            await self._connection.close()

    async def check(self, authorization: str | None, scopes: Collection[str] = ()) -> Token:
        """The token of an Authorization header, if it is good for all these scopes. Raises Refused."""
        if authorization is None:
            raise Refused(401)
        scheme, _, text = authorization.partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not text.isascii() or not 0 < len(text) <= MAX_TOKEN:
            raise Refused(401, "invalid_token", "The Authorization header must be: Bearer <access token>.")
        try:
            claims = await (self._verified(text) if self._credentials is None else self._introspected(text))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError) as error:
            raise Refused(503, "temporarily_unavailable", "The token service cannot be asked.") from error
        if claims is None or not self._is_for_us(claims):
            raise Refused(401, "invalid_token", "The access token is not good here, expired or revoked.")
        token = Token(claims)
        if missing := set(scopes) - token.scopes:
            raise Refused(403, "insufficient_scope", f"The scope {' '.join(sorted(missing))} is needed.")
        return token

    def _is_for_us(self, claims: Mapping[str, Any]) -> bool:
        audience = claims.get("aud", [])
        return self._audience in ([audience] if isinstance(audience, str) else audience)

    # by introspection

    async def _introspected(self, text: str) -> Mapping[str, Any] | None:
        """From memory, or by asking; who wants the same meanwhile waits for the same answer."""
        key = sha256(text.encode()).digest()
        remembered = self._cache.get(key)
        if remembered is not None:
            return remembered
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._ask(text, key))
            asking.add_done_callback(lambda done: self._asked(key, done))
        return await asyncio.shield(asking)

    def _asked(self, key: bytes, done: asyncio.Future[Mapping[str, Any] | None]) -> None:
        if self._asking.get(key) is done:
            del self._asking[key]
        if not done.cancelled():
            done.exception()

    async def _ask(self, text: str, key: bytes) -> Mapping[str, Any] | None:
        news, (client_id, secret) = self._cache.news, self._credentials or ("", "")
        endpoint = (await self._discovered())["introspection_endpoint"]
        headers = {"Authorization": _basic(client_id, secret)}
        answer = await self._fetched(
            lambda session: session.post(endpoint, data={"token": text}, headers=headers, allow_redirects=False)
        )
        if answer.get("active") is not True or str(answer.get("token_type", "")).lower() != "bearer":
            return None  # a refresh token is active, too: it is for the token endpoint and nobody else
        seconds = min(self._cache_seconds, answer.get("exp", time.time()) - time.time())
        # What ended while we asked may have ended after the answer was made.
        if seconds > 0 and news == self._cache.news and (self._hears or self._connection is None):
            self._cache.keep(key, answer, seconds)
        return answer

    def _hear(self, channel: bytes, message: bytes) -> None:
        """``mm:{<grant id>}…`` has ended, or ``{"clients": […]}`` have changed."""
        self._asking.clear()  # whoever comes from now on asks anew: what is under way may be older than the news
        if channel == keys.ENDED.encode():
            self._cache.forget_grant(message.decode("ascii", "replace")[4 : 4 + GRANT_ID_LENGTH])
            return
        try:
            for name in json.loads(message)["clients"]:
                if self._credentials and name == self._credentials[0]:  # what it may see has changed
                    self._cache.clear()
                self._cache.forget_client(name)
        except (ValueError, KeyError, TypeError):
            self._cache.clear()

    def _hearing(self, now: bool) -> None:
        self._hears = now
        self._cache.clear()

    # by keys

    async def _verified(self, text: str) -> Mapping[str, Any] | None:
        """The claims of a JWT access token (RFC 9068 section 4)."""
        try:
            jws = parse(text, MAX_TOKEN)
            if jws.kid is None or jws.header.get("typ") not in ("at+jwt", "application/at+jwt"):
                return None
            key = await self._key(jws.kid)
            if key is None or jws.algorithm not in ALGORITHMS or key.algorithm_name != jws.algorithm:
                return None
            claims = checked_claims(jws, key.key, jws.algorithm)
        except UnverifiableError:
            return None
        if claims is None or claims.get("iss") != self._issuer or any(claims.get(name) is None for name in _REQUIRED):
            return None
        return claims

    async def _key(self, kid: str) -> jwt.PyJWK | None:
        """Known ones are used while they are read again, and while they cannot be: what was right will do for a while."""
        now = time.monotonic()
        known = kid in self._keys
        if now >= self._keys_again_at and (not known or now - self._keys_read_at >= _KEYS_FOR):
            if self._reading_keys is None:
                self._reading_keys = asyncio.ensure_future(self._read_keys())
                self._reading_keys.add_done_callback(self._keys_read)
            if not known:
                await asyncio.shield(self._reading_keys)
        if not self._keys:
            raise ValueError("the keys could not be read a moment ago")
        return self._keys.get(kid)

    async def _read_keys(self) -> None:
        self._keys_again_at = time.monotonic() + _KEYS_AGAIN
        uri = (await self._discovered())["jwks_uri"]
        found = await self._fetched(lambda session: session.get(uri, allow_redirects=False))
        usable = {}
        for one in found["keys"]:
            with suppress(jwt.PyJWTError):  # one that this library does not know yet must not keep us from the others
                usable[one["kid"]] = jwt.PyJWK(one)
        self._keys = usable
        self._keys_read_at = time.monotonic()

    def _keys_read(self, done: asyncio.Future[None]) -> None:
        self._reading_keys = None
        if not done.cancelled():
            done.exception()

    # asking

    async def _discovered(self) -> dict[str, Any]:
        """Where the issuer's endpoints are. Raises ValueError where the document is another issuer's."""
        if self._metadata is None:
            found = await self._fetched(
                lambda session: session.get(self._issuer.rstrip("/") + _DISCOVERY, allow_redirects=False)
            )
            if found.get("issuer") != self._issuer:
                raise ValueError(f"the issuer calls itself {found.get('issuer')}, not {self._issuer}")
            self._metadata = found
        return self._metadata

    async def _fetched(self, ask: Callable[[aiohttp.ClientSession], Any]) -> dict[str, Any]:
        """A JSON object. Raises ValueError for anything else, ClientError, TimeoutError."""
        await self.start()
        assert self._session is not None  # noqa: S101 (for mypy)
        async with ask(self._session) as response:
            if response.status != 200:
                raise ValueError(f"{response.url.host} answered {response.status}")
            found = json.loads(await response.read())
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
        return found


def _basic(client_id: str, secret: str) -> str:
    """Both are form-encoded inside (RFC 6749 section 2.3.1)."""
    return "Basic " + b64encode(f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()
