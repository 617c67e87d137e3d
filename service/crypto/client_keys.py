"""Keys of clients: registered with them or fetched from their jwks_uri, to verify what they signed."""

import logging
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jwt
import msgspec
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from service.concurrency.batches import WorkBatch
from service.concurrency.shared_calls import SharedCalls
from service.crypto.client_certificates import public_key_in, thumbprint
from service.crypto.jws import Jws, UnverifiableError, checked_claims
from service.observe.counting import CacheCounts
from service.observe.events import Event
from service.outbound.http_client import HttpClientBusyError, HttpClientError, HttpResponse
from service.protocol.names import KeyManagement, SigningAlgorithm
from service.records.client import Client
from service.settings import Settings
from service.store.bounded_cache import BoundedCache

if TYPE_CHECKING:
    from service.crypto.jwe import EncryptionKey

log = logging.getLogger(__name__)


ALGORITHMS = tuple(algorithm.value for algorithm in SigningAlgorithm)
"""Signature algorithms that clients may use; ``none`` is not one of them."""
MAX_KEYS = 50
_OF_THE_KEY = frozenset({"kty", "crv", "x", "y", "n", "e"})
MEMBERS = frozenset({"kty", "use", "alg", "kid", "crv", "x", "y", "n", "e"})
"""The members of a JWK that are used (RFC 7517 section 4, RFC 7518 section 6), all of them texts."""
CERTIFICATES = "x5c"
"""The certificate of a key and its chain, base64 of DER (RFC 7517 section 4.7). Only the first one is used."""
_FOR_SIGNATURES = ("sig", "jwt-svid")
"""Values of ``use`` of keys to verify with; the second one is for SPIFFE bundles (SPIFFE JWT-SVID section 5.3)."""
_TRIED = 3
"""The most keys that are tried for one signature; the header should name one of several (OpenID Connect Core 10.1)."""
_RSA_BITS = range(2048, 4097)
"""Bits of RSA keys: shorter ones are too weak (RFC 7518 section 3.3), longer ones take too much CPU time."""
_RSA_EXPONENT = 65537
"""The largest RSA exponent."""
_AGAIN_AFTER = 60.0
"""Seconds after which an unknown ``kid`` lets the keys be fetched again."""
_FAILED_FOR = 10.0
"""Seconds for which a jwks_uri that could not be fetched is not fetched again."""
_CACHED, _CACHED_BYTES = 1000, 16 * 1024 * 1024
"""The most clients whose keys a process remembers, and the most bytes of these keys."""
_KEY_BYTES = 4096
"""Bytes that a parsed key takes approximately, in addition to the texts that it was made of."""
_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""The key type that an algorithm needs, by the first letters of the algorithm."""
_KINDS = ("RSA", "EC", "OKP")
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


_DISCOVERY = "/.well-known/openid-configuration"


class KeySource(msgspec.Struct, frozen=True):
    """The source of a client's or issuer's keys: a JWK set, the URL of one, or an issuer whose discovery document names it."""

    name: str
    """The name under which they are cached."""
    jwks: Any = None
    jwks_uri: str | None = None
    discovered_of: str | None = None
    """The issuer, where there is neither set nor URL."""
    network: str = ""
    """The network from which the URL was registered openly, "" = by an operator."""

    @property
    def url(self) -> str | None:
        """The URL that is fetched first, None for a set that is at hand."""
        if self.jwks is not None or self.jwks_uri is not None or self.discovered_of is None:
            return self.jwks_uri
        return self.discovered_of.rstrip("/") + _DISCOVERY

    @property
    def call(self) -> str:
        """The name of a shared fetch: URL and kind, as a client may name an issuer's discovery document as its jwks_uri.

        Clients that registered openly have no say in when the same URL is fetched for a client of an operator.
        """
        if self.url is None or self.url == self.jwks_uri:
            return f"{self.network} {self.url or ''}"
        return f"discovery of {self.discovered_of}"


def is_discoverable(issuer: str) -> bool:
    """Whether this issuer can have a discovery document (OpenID Connect Discovery 1.0 section 4)."""
    return issuer.startswith(("https://", "http://")) and not {"?", "#"} & set(issuer)


def key_source(client: Client) -> KeySource:
    """Return the source of a client's keys."""
    return KeySource(client.client_id, client.jwks, client.jwks_uri, network=client.openly_registered_network)


class _Held(NamedTuple):
    """Keys of a client as they were read. Times are monotonic seconds."""

    source: object
    """The set in the record, or the URL."""
    keys: tuple[jwt.PyJWK, ...]
    certificates: frozenset[str]
    """Thumbprints of the certificates of its keys."""
    encryption: tuple[Mapping[str, str], ...]
    """JWKs that content may be encrypted to."""
    read_at: float
    fresh_until: float


class ClientKeys:
    """The keys of all clients, fetched and cached."""

    def __init__(
        self,
        settings: Settings,
        fetch: Callable[..., Awaitable[HttpResponse]],
        clock: Callable[[], float] = time.monotonic,
        counted: CacheCounts | None = None,
    ) -> None:
        """Make an empty cache.

        Args:
            settings: Of these ``client_keys_lifetime`` is used.
            fetch: Gets a document by its URL, on behalf of a ``network`` (``HttpClient.get``).
            clock: Monotonic seconds.
            counted: Counts the hits and misses of the cache.
        """
        self._settings = settings
        self._fetch = fetch
        self._counted = counted or CacheCounts()
        self._clock = clock
        self._held: BoundedCache[_Held] = BoundedCache(_CACHED, _CACHED_BYTES)
        self._fetching: SharedCalls[_Held] = SharedCalls()
        self._verifying = WorkBatch()
        self._failed: BoundedCache[float] = BoundedCache(_CACHED, _CACHED_BYTES)

    async def verify(self, source: KeySource, jws: Jws, *, algorithms: Collection[str]) -> dict[str, Any]:
        """Return the claims of a JWT that a key of this source signed, by one of ``algorithms`` (asymmetric ones).

        ``exp``, ``nbf`` and ``iat`` are checked with ``SKEW``, where they are present; the caller checks issuer and audience.
        Keys and URLs in the header are ignored. Raises UnverifiableError.
        """
        algorithm = jws.algorithm
        if algorithm not in algorithms:
            raise UnverifiableError(f"it is signed with {algorithm[:20]}, not with {', '.join(algorithms)}")
        for key in (await self.keys(source, kid=jws.kid, algorithm=algorithm))[:_TRIED]:
            signed = await self._verifying.do(partial(checked_claims, jws, key.key, algorithm))
            if signed is not None:
                return signed
        raise UnverifiableError("no known key verifies the signature")

    async def keys(self, source: KeySource, *, kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
        """Return the keys that can verify this algorithm, only those with this ``kid`` where one is given.

        An unknown ``kid`` makes us fetch the jwks_uri again. Raises UnverifiableError where the keys cannot be fetched.
        """
        held = await self._read(source)
        found = _fitting(held.keys, kid, algorithm)
        if not found and self._is_to_be_read_again(source, held):
            held = await self._fetched(source)
            found = _fitting(held.keys, kid, algorithm)
        return found

    async def encryption_key(self, source: KeySource, algorithm: KeyManagement) -> "EncryptionKey | None":
        """Return the key to encrypt to by this algorithm, None for none. Raises UnverifiableError if fetching fails."""
        from service.crypto.jwe import key_for  # a process that encrypts nothing does not load joserfc

        held = await self._read(source)
        found = key_for(held.encryption, algorithm)
        if found is None and self._is_to_be_read_again(source, held):
            held = await self._fetched(source)
            found = key_for(held.encryption, algorithm)
        return found

    async def has_certificate(self, source: KeySource, thumbprint: str) -> bool:
        """Whether one of the keys has this certificate (``x5c``, RFC 8705 section 2.2.2). Raises UnverifiableError."""
        held = await self._read(source)
        if thumbprint not in held.certificates and self._is_to_be_read_again(source, held):
            held = await self._fetched(source)
        return thumbprint in held.certificates

    def _is_to_be_read_again(self, source: KeySource, held: _Held) -> bool:
        return source.url is not None and self._clock() - held.read_at >= _AGAIN_AFTER

    async def _read(self, source: KeySource) -> _Held:
        url = source.url
        place: object = url or source.jwks
        if place is None:
            raise UnverifiableError("there is neither jwks nor jwks_uri")
        held = self._held.get(source.name)
        if held is not None and held.source == place and self._clock() < held.fresh_until:
            self._held.renew(source.name)
            self._counted.hits += 1
            return held
        self._counted.misses += 1
        if url:
            try:
                return await self._fetched(source)
            except UnverifiableError:
                if held is None or held.source != place:
                    raise
                return held  # keys of a while ago are better than none, until their server is back
        now = self._clock()
        keys, shown = parsed(source.jwks), certificates(source.jwks)
        return self._remember(
            source.name, _Held(place, keys, shown, usable_for_encryption(source.jwks), now, now + 1e9)
        )

    async def _fetched(self, source: KeySource) -> _Held:
        """Fetch the keys; concurrent calls share the request, and a failure counts for a while."""
        uri, call = source.url or "", source.call
        if self._clock() < (self._failed.get(call) or 0.0):
            raise UnverifiableError("jwks_uri: could not be fetched a moment ago")
        return await self._fetching.answer(call, lambda: self._fetch_keys(source, uri))

    async def _fetch_keys(self, source: KeySource, uri: str) -> _Held:
        name = source.name
        try:
            found = uri if source.jwks_uri else await self._discovered(source, uri)
            fetched = await self._fetch(found, network=source.network)
            document = orjson.loads(fetched.content)
            keys, shown = parsed(document), certificates(document)
        except (HttpClientError, ValueError) as error:
            log.warning(Event.CLIENT_KEYS_UNAVAILABLE, extra={"client_id": name, "reason": str(error)[:200]})
            if not isinstance(error, HttpClientBusyError):
                self._failed.put(source.call, self._clock() + _FAILED_FOR, 0)
            # A client that sends assertions need not know what our network looks like from inside.
            raise UnverifiableError("jwks_uri: the keys cannot be fetched") from error
        now, most = self._clock(), self._settings.client_keys_lifetime
        lifetime = most if fetched.max_age is None else min(most, max(fetched.max_age, 1))
        return self._remember(name, _Held(uri, keys, shown, usable_for_encryption(document), now, now + lifetime))

    async def _discovered(self, source: KeySource, uri: str) -> str:
        """Return the URL of an issuer's keys, from its discovery document (OpenID Connect Discovery 1.0 section 4.3).

        Raises HttpClientError, and ValueError where the document is another issuer's or names none.
        """
        document = orjson.loads((await self._fetch(uri, network=source.network)).content)
        if not isinstance(document, dict) or document.get("issuer") != source.discovered_of:
            raise ValueError("the discovery document is not of this issuer")
        found = document.get("jwks_uri")
        if not isinstance(found, str):
            raise ValueError("the discovery document names no jwks_uri")
        return found

    def _remember(self, name: str, held: _Held) -> _Held:
        size = sum(_size_of(key._jwk_data) for key in held.keys) + sum(map(_size_of, held.encryption))
        self._held.put(name, held, size)
        return held


def parsed(jwks: object) -> tuple[jwt.PyJWK, ...]:
    """Return the usable public keys of a JWK set; others are skipped (RFC 7517 section 5). Raises ValueError."""
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        raise ValueError("not a JWK set")
    wanted = [member for member in jwks["keys"][:MAX_KEYS] if is_for_signatures(member)]
    return tuple(key for key in map(parsed_key, wanted) if key is not None)


def usable_for_encryption(jwks: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    """Return the JWKs of a parsed set that are for encryption, or for any use, with only the members that are used.

    A JWK in which one of these members is no text is skipped (RFC 7517 section 5).
    """
    members = [member for member in jwks["keys"][:MAX_KEYS] if isinstance(member, dict)]
    kept = [{name: member[name] for name in member if name in MEMBERS} for member in members]
    return tuple(
        member
        for member in kept
        if all(isinstance(text, str) for text in member.values())
        and member.get("kty") in _KINDS
        and member.get("use", "enc") == "enc"
    )


def certificates(jwks: Mapping[str, Any]) -> frozenset[str]:
    """Return the thumbprints of the certificates in a parsed JWK set; faulty ones are skipped."""
    found: set[str] = set()
    for member in jwks["keys"][:MAX_KEYS]:
        if isinstance(member, dict) and CERTIFICATES in member:
            with suppress(ValueError):
                found.add(thumbprint(certificate_in(member)))
    return frozenset(found)


def certificate_in(member: Mapping[str, Any]) -> bytes:
    """Return the certificate of a JWK in DER. Raises ValueError where it does not belong to the key (RFC 7517 section 4.7)."""
    chain = member[CERTIFICATES]
    if not isinstance(chain, list) or not chain or not all(isinstance(one, str) for one in chain):
        raise ValueError("x5c must be a list of texts")
    found = b64decode(chain[0], validate=True)
    key = parsed_key({name: member[name] for name in member if name in _OF_THE_KEY})
    if key is None or public_key_in(found) != key.key:
        raise ValueError("x5c must begin with a certificate of the same key")
    return found


def is_for_signatures(member: object) -> bool:
    """Whether a JWK is for verifying signatures by a supported algorithm."""
    if not isinstance(member, dict) or member.get("kty") not in _KINDS:
        return False
    return member.get("use", "sig") in _FOR_SIGNATURES and member.get("alg", ALGORITHMS[0]) in ALGORITHMS


def parsed_key(member: dict[str, Any]) -> jwt.PyJWK | None:
    """Return a public key of acceptable size, None where the JWK is no such key, or is for an algorithm that is not ours."""
    if member.get("alg", ALGORITHMS[0]) not in ALGORITHMS:  # by its alg PyJWT chooses how to read it, also by none
        return None
    known = {name: value for name, value in member.items() if name in MEMBERS and isinstance(value, str)}
    try:
        key = jwt.PyJWK(known)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return key if not isinstance(key.key, RSAPublicKey) or _is_moderate(key.key) else None


def _is_moderate(key: RSAPublicKey) -> bool:
    return key.key_size in _RSA_BITS and key.public_numbers().e <= _RSA_EXPONENT


def _size_of(member: Mapping[str, str]) -> int:
    return _KEY_BYTES + sum(map(len, member.values()))


def _fitting(keys: Collection[jwt.PyJWK], kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
    return [key for key in keys if (kid is None or key.key_id == kid) and fits(key, algorithm)]


def fits(key: jwt.PyJWK, algorithm: str) -> bool:
    """Whether a key is of the kind and curve that this algorithm needs, and not for another one."""
    curve = _CURVES.get(algorithm)
    return (
        key.key_type == _TYPES.get(algorithm[:2])
        and (curve is None or key._jwk_data.get("crv") == curve)
        and key._jwk_data.get("alg", algorithm) == algorithm
    )
