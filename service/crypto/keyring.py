"""Our signing keys at work: made by exactly one of many processes, rotated by whichever comes first, followed by all."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256, sha384, sha512
from typing import Any, NamedTuple

import msgspec
import orjson

from service.crypto import key_schedule
from service.crypto.jws import UnverifiableError, parse
from service.crypto.key_material import (
    PrivateKey,
    UnusableKeyError,
    algorithms_of,
    generate,
    is_readable_by_others,
    public_jwk,
    read_file,
    signature,
)
from service.crypto.sealing import Sealing
from service.observe.events import Event
from service.observe.metrics import KeyTimes
from service.observe.outages import Outage
from service.protocol.credentials import Randomness, base64url
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.names import SigningAlgorithm
from service.records.signing_key import KeySet, SigningKey
from service.settings import Settings
from service.store.signing_keys import SigningKeys

log = logging.getLogger(__name__)

MAX_TOKEN = 65_536
"""Characters of a JWT of ours that is presented."""
EVERY = 5.0
"""Seconds after which a process looks for changed keys."""
_TRIES = 50
_RSA = (SigningAlgorithm.RS256, SigningAlgorithm.PS256)
_HALVES = {
    SigningAlgorithm.RS256: sha256,
    SigningAlgorithm.PS256: sha256,
    SigningAlgorithm.ES256: sha256,
    SigningAlgorithm.ES384: sha384,
    SigningAlgorithm.EDDSA: sha512,
}


class KnownKey(NamedTuple):
    """A key in a list."""

    key: SigningKey
    state: key_schedule.KeyState


class _Loaded(NamedTuple):
    """A key ready for use."""

    private: PrivateKey
    public: Any
    algorithm: SigningAlgorithm
    headers: dict[str, bytes]
    """Encoded JOSE headers by their ``typ``, with the dot: of the few that the settings name."""


class Published(NamedTuple):
    """The JWK set as it is served. ``etag``: with its quotes."""

    content: bytes
    etag: str


def half_hash(algorithm: SigningAlgorithm, text: str) -> str:
    """``at_hash``, ``c_hash``, ``s_hash``: the left half of the algorithm's hash (OpenID Connect Core 3.1.3.6)."""
    digest = _HALVES[algorithm](text.encode()).digest()
    return base64url(digest[: len(digest) // 2])


class Keyring:
    """``clock``: epoch seconds. Open it before use, let ``keep`` run beside, close it.

    ``algorithms``: what can be signed with, in the order of the settings.
    """

    def __init__(
        self, settings: Settings, kept: SigningKeys, randomness: Randomness, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._kept = kept
        self._randomness = randomness
        self._clock = clock
        self._sealing = Sealing(settings.master_keys)
        self._keys: tuple[SigningKey, ...] = ()
        self._loaded: dict[str, _Loaded] = {}
        self._signing: dict[SigningAlgorithm, tuple[int, SigningKey]] = {}
        self.algorithms: tuple[SigningAlgorithm, ...] = ()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="signing")
        self._published = Published(b"", "")
        self._published_at = -1
        self._looked_at = 0.0

    # beginning and end

    async def open(self) -> None:
        """Have keys: from the files, from Redis, or made now. Raises UnusableKeyError, TemporarilyUnavailable."""
        if self._settings.signing_key_files:
            self._read_files()
        else:
            await self.look()

    async def keep(self) -> None:
        """Follow the keys in Redis, and make the next ones when they are due; until cancelled."""
        outage = Outage(log, Event.SIGNING_KEYS_UNAVAILABLE, Event.SIGNING_KEYS_AVAILABLE)
        while not self._settings.signing_key_files:
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
        self._threads.shutdown(wait=False, cancel_futures=True)

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
        return (signing_input + b"." + _encoded(signature(loaded.algorithm, loaded.private, signing_input))).decode(
            "ascii"
        )

    async def verify(self, token: str, *, typ: str = "JWT") -> dict[str, Any] | None:
        """The claims of a JWT that we signed, however long ago; None for all else. ``exp`` is the caller's business."""
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
        """What others verify with (RFC 7517 section 5, IT-09)."""
        now = int(self._clock())
        if now != self._published_at:
            keys = sorted(key_schedule.published(self._keys, now), key=lambda key: (key.algorithm, -key.signs_from))
            content = orjson.dumps({"keys": [key.public for key in keys]})
            self._published = Published(content, f'"{base64url(sha256(content).digest()[:16])}"')
            self._published_at = now
        return self._published

    def known(self) -> list[KnownKey]:
        """Every key that we still know, newest first within its algorithm."""
        now = int(self._clock())
        keys = sorted(self._keys, key=lambda key: (key.algorithm, -key.signs_from))
        return [KnownKey(key, key_schedule.state(key, now)) for key in keys]

    def times(self) -> list[KeyTimes]:
        """For metrics: how old the keys are that sign now, and when others take over."""
        return key_schedule.times(self._keys, self.algorithms, self._clock(), self._settings.signing_key_lifetime)

    # change

    async def look(self) -> None:
        """Read the keys, make those that are due, encrypt anew what an older master key encrypted."""
        await self._change(self._planned)

    async def rotate(self, algorithms: Iterable[SigningAlgorithm], *, at_once: bool = False) -> list[SigningKey]:
        """Make the next keys now. They sign once everybody may have seen them; ``at_once``: within seconds."""
        wanted = tuple(algorithms)

        async def changed(keys: KeySet) -> KeySet:
            now = int(self._clock())
            ahead = key_schedule.SETTLING if at_once else self._ahead
            for algorithm in wanted:
                waiting = [key for key in keys.keys if key.algorithm is algorithm and key.signs_from > now]
                if waiting and not at_once:
                    continue
                keys = await self._with_new(keys, key_schedule.Wanted(algorithm, now + ahead))
            return keys

        await self._change(changed)
        newest = (key_schedule.signing(self._keys, algorithm, int(self._clock()) + 2 * 86400) for algorithm in wanted)
        return [key for key in newest if key is not None]

    async def retire(self, kid: str) -> SigningKey | None:
        """Take a key out of use and out of the JWKS at once: it is not to be trusted any more. None: there is no such key."""
        found: list[SigningKey] = []

        async def changed(keys: KeySet) -> KeySet:
            found[:] = [key for key in keys.keys if key.kid == kid]
            if not found:
                return keys
            now = int(self._clock())
            if (rest := key_schedule.without(keys.keys, found[0], now)) is not None:
                return KeySet(rest)
            others = KeySet(tuple(key for key in keys.keys if key.kid != kid))
            return await self._with_new(others, key_schedule.Wanted(found[0].algorithm, now))

        await self._change(changed)
        return found[0] if found else None

    # how it is done

    def _signing_key(self, algorithm: SigningAlgorithm, now: int) -> SigningKey:
        """The key that signs now, looked for once a second. Raises UnusableKeyError."""
        second, key = self._signing.get(algorithm, (-1, None))
        if key is None or second != now:
            key = key_schedule.signing(self._keys, algorithm, now)
            if key is None:
                raise UnusableKeyError(f"there is no key for {algorithm.value}")
            self._signing[algorithm] = (now, key)
        return key

    @property
    def _ahead(self) -> int:
        return self._settings.jwks_lifetime + key_schedule.SLACK

    async def _change(self, changed: Callable[[KeySet], Any]) -> None:
        """Read, change, compare and set; again where another process was first."""
        for attempt in range(_TRIES):
            seen = await self._kept.read()
            wanted = await changed(seen)
            if wanted == seen or await self._kept.replace(seen, wanted):
                self._use(wanted)
                return
            await asyncio.sleep(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311
        raise TemporarilyUnavailable(log="signing keys are being changed by others at the same time")

    async def _planned(self, seen: KeySet) -> KeySet:
        now = int(self._clock())
        keys = self._resealed(KeySet(key_schedule.remembered(seen.keys, now)))
        lifetime = self._settings.signing_key_lifetime
        for wanted in key_schedule.due(
            keys, self._settings.signing_algorithms, now, lifetime=lifetime, published_ahead=self._ahead
        ):
            keys = await self._with_new(keys, wanted)
        return keys

    async def _with_new(self, keys: KeySet, wanted: key_schedule.Wanted) -> KeySet:
        loop, bits = asyncio.get_running_loop(), self._settings.signing_rsa_bits
        private = await loop.run_in_executor(self._threads, generate, wanted.algorithm, bits)
        public = public_jwk(private, wanted.algorithm)
        new = SigningKey(
            kid=public["kid"],
            algorithm=wanted.algorithm,
            public=public,
            sealed=self._sealing.seal(private, _about(public["kid"], wanted.algorithm), self._randomness),
            sealed_under=self._sealing.current,
            created_at=int(self._clock()),
            signs_from=wanted.signs_from,
        )
        return KeySet(key_schedule.added(keys.keys, new))

    def _resealed(self, keys: KeySet) -> KeySet:
        """Everything under the first master key, so that the others can be given up."""

        def resealed(key: SigningKey) -> SigningKey:
            if key.sealed_under == self._sealing.current:
                return key
            about = _about(key.kid, key.algorithm)
            private = self._sealing.unseal(key.sealed, key.sealed_under, about)
            sealed = self._sealing.seal(private, about, self._randomness)
            return msgspec.structs.replace(key, sealed=sealed, sealed_under=self._sealing.current)

        return KeySet(tuple(resealed(key) for key in keys.keys))

    def _use(self, keys: KeySet) -> None:
        if keys.keys == self._keys:
            return
        loaded = {}
        for key in keys.keys:
            about = _about(key.kid, key.algorithm)
            loaded[key.kid] = self._loaded.get(key.kid) or _load(
                key, self._sealing.unseal(key.sealed, key.sealed_under, about)
            )
        fresh = [key.kid for key in keys.keys if key.kid not in self._loaded]
        self._hold(keys.keys, loaded)
        log.info(Event.SIGNING_KEYS_LOADED, extra={"keys": len(loaded), "new": fresh})

    async def _look_for(self, kid: str) -> _Loaded | None:
        """Perhaps another process has made it just now; requests for keys that never were must not make us read often."""
        if self._settings.signing_key_files or time.monotonic() - self._looked_at < 1.0:
            return None
        self._looked_at = time.monotonic()
        await self.look()
        return self._loaded.get(kid)

    def _read_files(self) -> None:
        found: list[SigningKey] = []
        loaded: dict[str, _Loaded] = {}
        for path in self._settings.signing_key_files:
            if is_readable_by_others(path):
                log.warning(Event.SIGNING_KEY_READABLE_BY_OTHERS, extra={"file": str(path)})
            for private in read_file(path):
                for algorithm in algorithms_of(private):
                    public = public_jwk(private, algorithm, shared=algorithm in _RSA)
                    first = not any(key.algorithm is algorithm for key in found)
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
        self._keys, self._loaded, self._signing, self._published_at = keys, loaded, {}, -1


def _about(kid: str, algorithm: SigningAlgorithm) -> str:
    return f"{kid} {algorithm.value}"


def _load(key: SigningKey, private: PrivateKey) -> _Loaded:
    return _Loaded(private, private.public_key(), key.algorithm, {})


def _header(key: SigningKey, typ: str) -> bytes:
    return _encoded(orjson.dumps({"alg": key.algorithm.value, "kid": key.kid, "typ": typ})) + b"."


def _encoded(data: bytes) -> bytes:
    return base64url(data).encode("ascii")
