"""Our keys in use: for signing and for encryption to us, in files or as ``KeptKeys``, and the JWK set that publishes them."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from hashlib import sha256, sha384, sha512
from typing import Any, NamedTuple

import msgspec
import orjson

from service.concurrency.batches import WorkBatch
from service.crypto import key_schedule
from service.crypto.jws import UnverifiableError, parse
from service.crypto.kept_keys import KeptKeys, KeyUse
from service.crypto.key_material import (
    PrivateKey,
    Signer,
    UnusableKeyError,
    algorithms_of,
    encryption_jwk,
    is_readable_by_others,
    public_jwk,
    read_file,
    signer,
)
from service.crypto.sealing import Sealing
from service.observe.events import Event
from service.observe.metrics import KeyTimes
from service.observe.outages import Outage
from service.protocol.credentials import Randomness, base64url
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.names import KeyManagement, SigningAlgorithm
from service.records.signing_key import SigningKey
from service.settings import Settings
from service.store.service_keys import ServiceKeys

log = logging.getLogger(__name__)

MAX_TOKEN = 65_536
"""The most characters of a presented JWT of ours."""
EVERY = 5.0
"""Seconds after which a process looks for changed keys."""
_TRIED = 2
"""The most keys that are tried for a JWE without a ``kid``: the current one and its predecessor."""
_RSA = (SigningAlgorithm.RS256, SigningAlgorithm.PS256)
_HALVES = {
    SigningAlgorithm.RS256: sha256,
    SigningAlgorithm.PS256: sha256,
    SigningAlgorithm.ES256: sha256,
    SigningAlgorithm.ES384: sha384,
    SigningAlgorithm.EDDSA: sha512,
}


class _Loaded(NamedTuple):
    """A key ready for use."""

    sign: Signer
    public: Any
    algorithm: SigningAlgorithm
    headers: dict[str, str]
    """Encoded JOSE headers with the dot, by the few values of ``typ`` in the settings."""


class Published(NamedTuple):
    """The JWK set as it is served; ``etag`` includes its quotes."""

    content: bytes
    etag: str


def half_hash(algorithm: SigningAlgorithm, text: str) -> str:
    """Return the left half of the algorithm's hash for ``at_hash``, ``c_hash`` or ``s_hash`` (OpenID Connect Core 3.1.3.6)."""
    digest = _HALVES[algorithm](text.encode()).digest()
    return base64url(digest[: len(digest) // 2])


class Keyring:
    """The keys of this process. Open it before use, run ``keep`` as a background task, close it at the end."""

    def __init__(
        self,
        settings: Settings,
        kept: ServiceKeys,
        randomness: Randomness,
        clock: Callable[[], float] = time.time,
        encryption: ServiceKeys | None = None,
    ) -> None:
        """Know no key yet.

        Args:
            settings: The settings about keys.
            kept: The place of the signing keys in Redis.
            randomness: For sealing.
            clock: Epoch seconds.
            encryption: The place of the encryption keys in Redis; None where nothing is encrypted to us.
        """
        self._settings = settings
        self._clock = clock
        self._keys: tuple[SigningKey, ...] = ()
        self._loaded: dict[str, _Loaded] = {}
        self._signs_now: dict[SigningAlgorithm, tuple[int, SigningKey]] = {}
        self.algorithms: tuple[SigningAlgorithm, ...] = ()
        """The algorithms of the signing keys, in the order of the settings."""
        sealing = Sealing(settings.master_keys)
        self.signing = KeptKeys(_signing_use(settings), kept, sealing, randomness, self._now, self._use)
        self.encryption: KeptKeys | None = None
        if encryption is not None and (use := _encryption_use(settings)).algorithms:
            self.encryption = KeptKeys(use, encryption, sealing, randomness, self._now, self._published_anew)
        self._published = Published(b"", "")
        self._published_at = -1
        self._read_at = 0.0
        self._batch = WorkBatch()

    # opening and closing

    async def open(self) -> None:
        """Load the keys from files or from Redis, or make them. Raises UnusableKeyError, TemporarilyUnavailable."""
        if self._settings.signing_key_files:
            self._read_files()
        await self.look()

    async def keep(self) -> None:
        """Follow the keys in Redis, and make the next ones when they are due; until cancelled."""
        outage = Outage(log, Event.SIGNING_KEYS_UNAVAILABLE, Event.SIGNING_KEYS_AVAILABLE)
        while self.encryption is not None or not self._settings.signing_key_files:
            await asyncio.sleep(EVERY * random.uniform(0.8, 1.2))  # noqa: S311
            try:
                await self.look()
                outage.succeeded()
            except TemporarilyUnavailable as error:
                outage.failed(error.log)
            except UnusableKeyError as error:
                log.error(Event.SIGNING_KEYS_UNUSABLE, extra={"reason": str(error)})

    def close(self) -> None:
        """End the threads."""
        self.signing.close()
        if self.encryption is not None:
            self.encryption.close()

    # use

    def sign(self, algorithm: SigningAlgorithm, claims: Mapping[str, Any], *, typ: str = "JWT") -> str:
        """Sign a compact JWS (RFC 7515 7.1).

        On the event loop, RSA too: it takes 0.25 ms, and to hand it to a thread and back costs nearly as much again.
        """
        key = self._signing_key(algorithm, int(self._clock()))
        loaded = self._loaded[key.kid]
        header = loaded.headers.get(typ)
        if header is None:
            header = loaded.headers[typ] = _header(key, typ)
        signing_input = header + _encoded(orjson.dumps(claims))
        signature = loaded.sign(signing_input.encode("ascii"))
        return f"{signing_input}.{_encoded(signature)}"

    def sign_soon(self, algorithm: SigningAlgorithm, claims: Mapping[str, Any], *, typ: str = "JWT") -> Awaitable[str]:
        """Sign a compact JWS, together with all others of this turn of the event loop."""
        return self._batch.do(partial(self.sign, algorithm, claims, typ=typ))

    async def verify(self, token: str, *, typ: str = "JWT") -> dict[str, Any] | None:
        """Return the claims of a JWT that we signed, however long ago; None for any other. The caller checks ``exp``."""
        try:
            jws = parse(token, MAX_TOKEN)
            kid = jws.kid
            if kid is None or jws.header.get("typ", "JWT") != typ:
                return None
            loaded = self._loaded.get(kid) or await self._look_for(kid)
            if loaded is None or not jws.is_signed_by(loaded.public, loaded.algorithm.value):
                return None
            return jws.claims()
        except UnverifiableError:
            return None

    def jwks(self) -> Published:
        """The public keys for verifying our signatures and for encrypting to us (RFC 7517 section 5, IT-09)."""
        now = int(self._clock())
        if now != self._published_at:
            keys = sorted(key_schedule.published(self._keys, now), key=lambda key: (key.algorithm, -key.signs_from))
            if self.encryption is not None:
                keys += key_schedule.offered(self.encryption.keys, self.encryption.use.algorithms, now)
            content = orjson.dumps({"keys": [key.public for key in keys]})
            self._published = Published(content, f'"{base64url(sha256(content).digest()[:16])}"')
            self._published_at = now
        return self._published

    def known(self) -> list[key_schedule.KnownKey]:
        """Every key that we still know, newest first within its algorithm; signing keys first, then those that decrypt."""
        return key_schedule.known(self._keys, int(self._clock())) + (self.encryption.known() if self.encryption else [])

    async def decryption_keys(self, algorithm: KeyManagement, kid: str | None) -> list[PrivateKey]:
        """Return the keys that content may be encrypted to by this algorithm: the one of this ``kid``, or the latest ones."""
        if self.encryption is None or algorithm not in self.encryption.use.algorithms:
            return []
        found = self._decrypting(self.encryption, algorithm, kid)
        if not found and kid is not None and self._may_look_again():
            await self.encryption.look()
            found = self._decrypting(self.encryption, algorithm, kid)
        return found

    def _decrypting(self, kept: KeptKeys, algorithm: KeyManagement, kid: str | None) -> list[PrivateKey]:
        keys = key_schedule.decrypting(kept.keys, algorithm, int(self._clock()))
        wanted = keys[:_TRIED] if kid is None else [key for key in keys if key.kid == kid]
        return [kept.private[key.kid] for key in wanted]

    def times(self) -> list[KeyTimes]:
        """Return the age of the keys that sign now, and when others take over, for metrics."""
        return key_schedule.times(self._keys, self.algorithms, self._clock(), self._settings.signing_key_lifetime)

    # change

    async def look(self) -> None:
        """Read the keys, make those that are due, encrypt anew what an older master key encrypted."""
        if not self._settings.signing_key_files:
            await self.signing.look()
        if self.encryption is not None:
            await self.encryption.look()

    def _signing_key(self, algorithm: SigningAlgorithm, now: int) -> SigningKey:
        """Return the key that signs now, looked up once a second. Raises UnusableKeyError."""
        second, key = self._signs_now.get(algorithm, (-1, None))
        if key is None or second != now:
            key = key_schedule.signing(self._keys, algorithm, now)
            if key is None:
                raise UnusableKeyError(f"there is no key for {algorithm.value}")
            self._signs_now[algorithm] = (now, key)
        return key

    def _use(self, keys: tuple[SigningKey, ...], private: Mapping[str, PrivateKey]) -> None:
        loaded = {key.kid: self._loaded.get(key.kid) or _load(key, private[key.kid]) for key in keys}
        fresh = [key.kid for key in keys if key.kid not in self._loaded]
        self._hold(keys, loaded)
        log.info(Event.SIGNING_KEYS_LOADED, extra={"keys": len(loaded), "new": fresh})

    def _published_anew(self, *_: object) -> None:
        self._published_at = -1

    async def _look_for(self, kid: str) -> _Loaded | None:
        """Look for a key that another process may have made just now."""
        if self._settings.signing_key_files or not self._may_look_again():
            return None
        await self.signing.look()
        return self._loaded.get(kid)

    def _may_look_again(self) -> bool:
        """Whether to read the keys again, as requests for keys that never existed must not make us read often."""
        if time.monotonic() - self._read_at < 1.0:
            return False
        self._read_at = time.monotonic()
        return True

    def _now(self) -> float:
        return self._clock()

    def _read_files(self) -> None:
        found: list[SigningKey] = []
        loaded: dict[str, _Loaded] = {}
        for path in self._settings.signing_key_files:
            private_keys = read_file(path)
            if is_readable_by_others(path):
                log.warning(Event.SIGNING_KEY_READABLE_BY_OTHERS, extra={"file": str(path)})
            for private in private_keys:
                for algorithm in algorithms_of(private):
                    public = public_jwk(private, algorithm, shared=algorithm in _RSA)
                    first = not any(key.algorithm == algorithm for key in found)
                    # Of several keys for an algorithm the first signs, the others are only published.
                    key = SigningKey(public["kid"], algorithm, public, "", "", 0, 0 if first else 2**62, 0)
                    found.append(key)
                    loaded[key.kid] = _load(key, private)
        missing = set(self._settings.signing_algorithms) - {key.algorithm for key in found}
        if missing and "signing_algorithms" in self._settings.model_fields_set:
            raise UnusableKeyError(f"signing_key_files: there is no key for {', '.join(sorted(missing))}")
        self._hold(tuple(found), loaded)

    def _hold(self, keys: tuple[SigningKey, ...], loaded: dict[str, _Loaded]) -> None:
        have = {key.algorithm for key in keys}
        self.algorithms = tuple(one for one in self._settings.signing_algorithms if one in have)
        self._keys, self._loaded, self._signs_now, self._published_at = keys, loaded, {}, -1


def _signing_use(settings: Settings) -> KeyUse:
    """Return the use of keys that sign once every client may have seen them."""
    return KeyUse(
        settings.signing_algorithms,
        public_jwk,
        ahead=settings.jwks_lifetime + key_schedule.SLACK,
        lifetime=settings.signing_key_lifetime,
        remembered=key_schedule.REMEMBERED,
        rsa_bits=settings.signing_rsa_bits,
    )


def _encryption_use(settings: Settings) -> KeyUse:
    """Return the use of keys that are published once every process has read them."""
    return KeyUse(
        tuple(one for one in settings.encryption_algorithms if not one.is_symmetric),
        encryption_jwk,
        ahead=key_schedule.SETTLING,
        lifetime=settings.signing_key_lifetime,
        remembered=0,
        rsa_bits=settings.signing_rsa_bits,
    )


def _load(key: SigningKey, private: PrivateKey) -> _Loaded:
    algorithm = SigningAlgorithm(key.algorithm)
    return _Loaded(signer(algorithm, private), private.public_key(), algorithm, {})


def _header(key: SigningKey, typ: str) -> str:
    return _encoded(orjson.dumps({"alg": key.algorithm, "kid": key.kid, "typ": typ})) + "."


def _encoded(data: bytes) -> str:
    """Return base64url without padding, as ``base64url`` does: for JSON, in half the instructions.

    Nearly no character of its base64 is one to replace, and to look for these costs less than to translate all.
    """
    padded: str = msgspec.to_builtins(data)
    return padded.rstrip("=").replace("+", "-").replace("/", "_")
