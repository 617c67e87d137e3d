"""The check itself: is this token good, for us, and for that?"""

import json
import logging
import time
from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from typing import Any, Self

import aiohttp

from service.concurrency.shared_calls import SharedCalls
from service.crypto.client_keys import ALGORITHMS
from service.crypto.jws import UnverifiableError, checked_claims, parse
from service.guard.audience import check_audience
from service.guard.cache import ClaimsCache
from service.guard.certificates import CertificatePolicy
from service.guard.credentials import MAX_TOKEN, SCHEMES, basic, presented_token
from service.guard.dpop import SCHEME, DpopPolicy, KeyCheck, SentRequest
from service.guard.issuer_keys import IssuerKeys
from service.guard.needed import Needed, as_needed
from service.guard.resource_metadata import ResourceMetadata
from service.guard.verdict import AnsweredError, MisconfiguredError, Refused, Token
from service.redis.address import of_url
from service.redis.connection import Connection
from service.redis.listener import start_listening
from service.redis.opening import open_connection
from service.store.keys import Keys

log = logging.getLogger(__name__)

TIMEOUT = 5.0
_REQUIRED = ("exp", "iat", "jti", "sub", "client_id")
"""Claims of every JWT access token (RFC 9068 section 2.2); no ID token has a ``client_id``."""
_DISCOVERY = "/.well-known/openid-configuration"
_UNANSWERED = (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError)
"""What asking the token service ends with where there is no answer that is one."""


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
        dpop: DpopPolicy | None,
        certificates: CertificatePolicy | None,
    ) -> None:
        self._issuer, self._audience = issuer, audience
        self._certificates = certificates or CertificatePolicy()
        self._key_check = KeyCheck(dpop or DpopPolicy(), audience)
        if dpop is not None and not self._key_check.knows_its_url:
            raise ValueError(
                f"{audience!r} is no URL: DpopPolicy needs the public_url that proofs are for, or trust_host"
            )
        self.metadata: ResourceMetadata | None = None
        """See ``described``."""
        self._credentials = credentials
        self._cache = ClaimsCache(cache_size, time.monotonic)
        self._cache_seconds = cache_seconds if cache_seconds is not None else (60.0 if redis_url else 0.0)
        self._connection: Connection | None = open_connection(of_url(redis_url)) if redis_url else None
        self._names = Keys()
        self._hears = False
        self._session: aiohttp.ClientSession | None = None
        self._asking: SharedCalls[Mapping[str, Any] | None] = SharedCalls()
        self._metadata: dict[str, Any] | None = None
        self._keys = IssuerKeys(self._published_keys)
        self._types: Collection[str] = ()

    @classmethod
    def by_jwks(
        cls,
        issuer: str,
        audience: str,
        *,
        jwt_typ: str = "at+jwt",
        dpop: DpopPolicy | None = None,
        certificates: CertificatePolicy | None = None,
    ) -> Self:
        """Verify JWTs with the issuer's published keys: makes no request, and learns of no revocation before they expire.

        ``jwt_typ``: as the token service has it for this resource (``resource_tokens``). ``dpop``: what is taken as proof
        that a client holds the key of its token. ``certificates``: where those of clients come from.

        Raises ValueError where ``dpop`` is given, and neither that nor the audience says what clients call the API.
        """
        guard = cls(
            issuer,
            audience,
            credentials=None,
            redis_url=None,
            cache_size=0,
            cache_seconds=0,
            dpop=dpop,
            certificates=certificates,
        )
        guard._types = {jwt_typ, f"application/{jwt_typ}"}
        return guard

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
        dpop: DpopPolicy | None = None,
        certificates: CertificatePolicy | None = None,
    ) -> Self:
        """Ask the issuer about each token, as a client with client_secret_basic that may introspect tokens for ``audience``.

        ``redis_url``: of the service's Redis, whose channels tell at once what has ended: then answers are remembered, for
        ``cache_seconds`` (60) and never beyond ``exp``; nothing is, while the channels are down. A link that hangs is noticed
        within 2 seconds. Without it answers are remembered for ``cache_seconds`` (0) whatever ends meanwhile.
        """
        return cls(
            issuer,
            audience,
            credentials=(client_id, client_secret),
            redis_url=redis_url,
            cache_size=cache_size,
            cache_seconds=cache_seconds,
            dpop=dpop,
            certificates=certificates,
        )

    def described(self, **members: object) -> Self:
        """Let everybody read the metadata of this API, with these members beside our own (RFC 9728); challenges point there.

        Raises ValueError where the audience is no https URL.
        """
        self.metadata = ResourceMetadata(self._audience, self._issuer, {**self._key_check.policy.metadata, **members})
        return self

    async def start(self) -> None:
        """Begin to listen, and ask the token service once whether it knows us; further calls do nothing.

        A service that is away is no reason not to start: that is logged, and looked at again with each token.

        Raises:
            MisconfiguredError: The service is another issuer, or refuses this API's own credentials.
        """
        if self._session is not None:
            return
        self._open()
        try:
            await self._discovered()
            if self._credentials is not None:
                await self._introspection("a text that is no token")
        except MisconfiguredError as error:
            log.error("guard: %s", error)
            await self.close()
            raise
        except _UNANSWERED as error:
            log.warning(
                "guard: the token service %s cannot be asked yet: %s", self._issuer, error or "no answer in time"
            )

    def _open(self) -> None:
        if self._session is not None:
            return
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))
        if self._connection is not None:
            start_listening(self._connection, (self._names.ended, self._names.changes), self._hear, self._hearing)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._connection is not None:
            await self._connection.close()

    async def check(
        self,
        *,
        method: str,
        url: str,
        headers: Mapping[str, str],
        scopes: Collection[str] | Needed = (),
        peer: str = "",
        certificate: bytes | None = None,
    ) -> Token:
        """Check the token that a request carries.

        Args:
            method: The HTTP method.
            url: As the client wrote it: scheme, host and path; a query is passed over.
            headers: Of the request, names in any case.
            scopes: All that the token must be good for; ``Needed`` for more than scopes.
            peer: IP address at the other end of the connection: a proxy of yours may forward a client's certificate.
            certificate: What the other end has shown in TLS, in DER.

        Raises:
            Refused: The request is not to be let in.
        """
        scheme, text = "", ""
        try:
            scheme, text = presented_token(headers)
            return await self._check(
                scheme, text, SentRequest(method, url, headers, peer, certificate), as_needed(scopes)
            )
        except Refused as refused:
            refused.as_dpop, refused.algorithms = scheme == SCHEME, " ".join(self._key_check.policy.algorithms)
            refused.further = self.headers()
            refused.resource_metadata = self.metadata.url if self.metadata else ""
            raise

    def headers(self) -> dict[str, str]:
        """Headers that every answer of this API should carry, those that are let in included; aiohttp and ASGI guards do so."""
        return self._key_check.headers(time.time())

    async def _check(self, scheme: str, text: str, sent: SentRequest, needed: Needed) -> Token:
        try:
            claims = await (self._verified(text) if self._credentials is None else self._introspected(text))
        except MisconfiguredError as error:
            log.error("guard: %s", error)
            raise Refused(503, "temporarily_unavailable", "This API is not set up to ask the token service.") from error
        except _UNANSWERED as error:
            raise Refused(503, "temporarily_unavailable", "The token service cannot be asked.") from error
        if claims is None:
            text = f"The access token has expired, was revoked, or is not for {self._audience}, which is wanted here."
            raise Refused(401, "invalid_token", text)
        check_audience(self._audience, claims, f"{sent.method} {sent.url.partition('?')[0]}")
        self._certificates.check(claims, sent, time.time())
        self._key_check.check(scheme, text, claims, sent, time.time())
        token = Token(claims)
        needed.check(token, time.time())
        return token

    # by introspection

    async def _introspected(self, text: str) -> Mapping[str, Any] | None:
        """From memory, or by asking; who wants the same meanwhile waits for the same answer."""
        key = sha256(text.encode()).digest()
        remembered = self._cache.get(key)
        return await self._asking.answer(key, lambda: self._ask(text, key)) if remembered is None else remembered

    async def _ask(self, text: str, key: bytes) -> Mapping[str, Any] | None:
        news = self._cache.news
        answer = await self._introspection(text)
        if answer.get("active") is not True or str(answer.get("token_type", "")).lower() not in SCHEMES:
            return None  # a refresh token is active, too: it is for the token endpoint alone
        seconds = min(self._cache_seconds, answer.get("exp", time.time()) - time.time())
        # What ended while we asked may have ended after the answer was made.
        if seconds > 0 and news == self._cache.news and (self._hears or self._connection is None):
            self._cache.keep(key, answer, seconds)
        return answer

    async def _introspection(self, text: str) -> dict[str, Any]:
        """The answer to one question (RFC 7662 section 2.2). Raises MisconfiguredError where we are not known there."""
        client_id, secret = self._credentials or ("", "")
        endpoint = (await self._discovered())["introspection_endpoint"]
        headers = {"Authorization": basic(client_id, secret)}
        try:
            return await self._fetched(
                lambda session: session.post(endpoint, data={"token": text}, headers=headers, allow_redirects=False)
            )
        except AnsweredError as error:
            if error.status not in (400, 401, 403):
                raise
            raise MisconfiguredError(
                f"the token service {self._issuer} refuses this API's own client {client_id!r} ({error.status}): its "
                "client_id, its secret, or its method, which must be client_secret_basic"
            ) from error

    def _hear(self, channel: bytes, message: bytes) -> None:
        """A key of a grant, or of a token of it, has ended, or ``{"clients": […]}`` have changed."""
        self._asking.forget()  # every later caller asks anew: what is under way may be older than the news
        if channel == self._names.ended.encode():
            self._cache.forget_grant(Keys.grant_id_of(message.decode("ascii", "replace")))
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
            if jws.kid is None or jws.header.get("typ") not in self._types:
                return None
            key = await self._keys.get(jws.kid)
            if key is None or jws.algorithm not in ALGORITHMS or key.algorithm_name != jws.algorithm:
                return None
            claims = checked_claims(jws, key.key, jws.algorithm)
        except UnverifiableError:
            return None
        if claims is None or claims.get("iss") != self._issuer or any(claims.get(name) is None for name in _REQUIRED):
            return None
        return claims

    async def _published_keys(self) -> Mapping[str, Any]:
        uri = (await self._discovered())["jwks_uri"]
        return await self._fetched(lambda session: session.get(uri, allow_redirects=False))

    # asking

    async def _discovered(self) -> dict[str, Any]:
        """Where the issuer's endpoints are. Raises MisconfiguredError where the document is another issuer's."""
        if self._metadata is None:
            found = await self._fetched(
                lambda session: session.get(self._issuer.rstrip("/") + _DISCOVERY, allow_redirects=False)
            )
            if found.get("issuer") != self._issuer:
                raise MisconfiguredError(
                    f"{self._issuer} calls itself {found.get('issuer')!r}: give the guard that name of the issuer"
                )
            self._metadata = found
        return self._metadata

    async def _fetched(self, ask: Callable[[aiohttp.ClientSession], Any]) -> dict[str, Any]:
        """A JSON object. Raises ValueError for anything else, ClientError, TimeoutError."""
        self._open()
        assert self._session is not None  # noqa: S101 (for mypy)
        async with ask(self._session) as response:
            if response.status != 200:
                raise AnsweredError(response.url.host, response.status)
            found = json.loads(await response.read())
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
        return found
