"""The guard itself: it checks that a token is valid, is for this API, and allows the request."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from mintmark_guard.audience import check_audience
from mintmark_guard.certificates import CertificatePolicy
from mintmark_guard.credentials import presented_token, scheme_of
from mintmark_guard.dpop import SCHEME, DpopPolicy, KeyCheck, SentRequest
from mintmark_guard.introspection import Introspection
from mintmark_guard.issuer import UNANSWERED, Issuer
from mintmark_guard.needed import Needed, as_needed
from mintmark_guard.resource_metadata import ResourceMetadata, has_metadata
from mintmark_guard.signed_tokens import SignedTokens
from mintmark_guard.token_source import InactiveError, TokenSource
from mintmark_guard.verdict import MisconfiguredError, Refused, Token

log = logging.getLogger(__name__)

Headers = Mapping[str, str] | Sequence[tuple[str, str]]
"""The headers of a request, with names in any case; a repeated header comes as often as it was sent, also in ``items()``."""
_NONE: Mapping[str, object] = {}


class Guard:
    """A guard that checks access tokens of one issuer for one API.

    Without ``client_id`` tokens must be JWTs, which are verified by the keys that the issuer publishes: the issuer is not
    asked, so a revoked token stays valid until it expires. With it the issuer introspects each token, of any format.

    Args:
        issuer: The URL of the token service, exactly as in its ``iss``.
        audience: The name of this API, which clients send as ``resource`` or ``audience``: the URL under which they call it.
        client_id: Of this API's own client, which may introspect tokens for ``audience`` (client_secret_basic).
        client_secret: Of the same client.
        redis_url: The URL of Mintmark's Redis, whose channels publish at once what has ended (extra ``redis``). Responses are
            then cached for ``cache_seconds`` (60 by default) and never beyond ``exp``, but not while the connection is lost;
            one that hangs is noticed within 2 seconds. Without it responses are cached for ``cache_seconds`` (0 by default),
            even if their tokens end meanwhile.
        cache_size: The most cached responses.
        cache_seconds: The most seconds for which a response is cached.
        jwt_typ: The ``typ`` of the JWTs, where ``resource_tokens`` of Mintmark sets another one for this API.
        dpop: The requirements for proofs that a client holds the key of its token (RFC 9449).
        certificates: The source of client certificates (RFC 8705).
        metadata: Further members of the metadata of this API (RFC 9728), such as ``resource_name``; None: no metadata. They
            are served, and named in challenges, where the audience is an https URL.

    Raises:
        ValueError: The arguments do not go together, or ``cache_size`` is below 1.
        ImportError: ``redis_url`` is given, and the Redis client is not installed.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        client_id: str = "",
        client_secret: str = "",
        redis_url: str = "",
        cache_size: int = 10_000,
        cache_seconds: float | None = None,
        jwt_typ: str = "at+jwt",
        dpop: DpopPolicy | None = None,
        certificates: CertificatePolicy | None = None,
        metadata: Mapping[str, object] | None = _NONE,
    ) -> None:
        if cache_size < 1:
            raise ValueError("cache_size must be at least 1; cache_seconds=0 remembers nothing")
        if bool(client_id) != bool(client_secret):
            raise ValueError("client_id and client_secret come together, or not at all")
        if not client_id and (redis_url or cache_seconds):
            raise ValueError(
                "redis_url and cache_seconds are of introspection, which needs client_id and client_secret"
            )
        self.issuer = Issuer(issuer)
        self.audience = audience
        self._certificates = certificates or CertificatePolicy()
        self._key_check = KeyCheck(dpop or DpopPolicy(), audience)
        if dpop is not None and not self._key_check.knows_its_url:
            raise ValueError(
                f"{audience!r} is no URL: DpopPolicy needs the public_url that proofs are for, or trust_host"
            )
        self.metadata: ResourceMetadata | None = None
        """The metadata of the API (RFC 9728), None if there are none."""
        if metadata is not None and (metadata or has_metadata(audience)):
            self.metadata = ResourceMetadata(audience, issuer, {**self._key_check.policy.metadata, **metadata})
        self._new_source: Callable[[], TokenSource] = partial(SignedTokens, self.issuer, jwt_typ)
        if client_id:
            self._new_source = partial(
                Introspection,
                self.issuer,
                client_id,
                client_secret,
                redis_url=redis_url,
                cache_size=cache_size,
                cache_seconds=cache_seconds,
            )
        self.source: TokenSource = self._new_source()
        """The source of claims."""

    async def start(self) -> None:
        """Check this API's settings against the token service, and begin to listen for revocations.

        If it is not called, the first token starts both. A service that cannot be reached is logged only, as it is asked
        again with each token.

        Raises:
            MisconfiguredError: The service is another issuer, or refuses this API's own credentials.
        """
        try:
            await self.source.start()
        except MisconfiguredError as error:
            log.error("guard: %s", error)
            await self.close()
            raise
        except UNANSWERED as error:
            log.warning(
                "guard: the token service %s cannot be asked yet: %s",
                self.issuer.url,
                str(error) or "no answer in time",
            )

    async def close(self) -> None:
        """Close every connection."""
        await self.source.close()
        await self.issuer.close()

    async def check(
        self,
        *,
        method: str,
        url: str,
        headers: Headers,
        scopes: Collection[str] | Needed = (),
        peer: str = "",
        certificate: bytes | None = None,
    ) -> Token:
        """Check the token that a request carries.

        Args:
            method: The HTTP method.
            url: Scheme, host and path as the client wrote them; a query is ignored.
            headers: Of the request.
            scopes: The token must have all of these; ``Needed`` for more than scopes.
            peer: The IP address of the peer of the connection, as only a trusted proxy may forward a client certificate.
            certificate: The TLS certificate of the peer, in DER.

        Raises:
            Refused: The request may not be let in.
        """
        pairs = list(headers.items()) if isinstance(headers, Mapping) else headers
        return await self.check_request(SentRequest(method, url, pairs, peer, certificate), as_needed(scopes))

    async def check_request(self, sent: SentRequest, needed: Needed) -> Token:
        """Check as ``check`` does; the adapters call this."""
        try:
            scheme, text = presented_token(sent.headers)
            claims = self._at_hand(text)
            if claims is None:
                claims = await self._introspected(text)
            return self._judged(claims, scheme, text, sent, needed)
        except Refused as refused:
            self._challenge(refused, sent, needed)
            raise

    def check_at_hand(self, sent: SentRequest, needed: Needed) -> Token | None:
        """Do as ``check_request``, on any thread, but return None where the token service would have to be asked."""
        try:
            scheme, text = presented_token(sent.headers)
            claims = self._at_hand(text)
            return None if claims is None else self._judged(claims, scheme, text, sent, needed)
        except Refused as refused:
            self._challenge(refused, sent, needed)
            raise

    def check_again(self, token: Token, sent: SentRequest, needed: Needed) -> Token:
        """Check further requirements of a request that this guard let in. The proof is not checked again, as it counts once."""
        try:
            needed.check(token, time.time())
        except Refused as refused:
            self._challenge(refused, sent, needed)
            raise
        return token

    def headers(self) -> dict[str, str]:
        """Return headers for every response of this API, not only for refusals; the adapters add them."""
        return self._key_check.headers(time.time())

    def forget_process(self) -> None:
        """Drop connections and caches of the parent process, after a fork."""
        self.issuer.forget_process()
        self.source = self._new_source()
        self._key_check = KeyCheck(self._key_check.policy, self.audience)

    def _at_hand(self, text: str) -> Mapping[str, Any] | None:
        try:
            return self.source.at_hand(text)
        except InactiveError as error:
            raise self._inactive(str(error)) from None

    async def _introspected(self, text: str) -> Mapping[str, Any]:
        try:
            return await self.source.claims(text)
        except InactiveError as error:
            raise self._inactive(str(error)) from None
        except MisconfiguredError as error:
            log.error("guard: %s", error)
            raise Refused(503, "temporarily_unavailable", "This API is not set up to ask the token service.") from error
        except UNANSWERED as error:
            raise Refused(503, "temporarily_unavailable", "The token service cannot be asked.") from error

    def _judged(self, claims: Mapping[str, Any], scheme: str, text: str, sent: SentRequest, needed: Needed) -> Token:
        """Return a valid token, if it is for this API, its sender holds its key, and it meets the requirements."""
        now = time.time()
        check_audience(self.audience, claims, sent)
        self._certificates.check(claims, sent, now)
        self._key_check.check(scheme, text, claims, sent, now)
        token = Token(claims)
        needed.check(token, now)
        return token

    def _inactive(self, reason: str) -> Refused:
        text = (
            reason or f"The access token has expired, was revoked, or is not for {self.audience}, which is wanted here."
        )
        return Refused(401, "invalid_token", text)

    def _challenge(self, refused: Refused, sent: SentRequest, needed: Needed) -> None:
        refused.as_dpop = scheme_of(sent.headers) == SCHEME
        refused.algorithms = " ".join(self._key_check.policy.algorithms)
        refused.further = self.headers()
        refused.scope = " ".join(sorted(needed.scopes))
        refused.resource_metadata = self.metadata.url if self.metadata else ""
