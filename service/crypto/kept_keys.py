"""Our keys for one use, in Redis: made by exactly one of many processes, rotated by the first one, followed by all."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import msgspec

from service.crypto import key_schedule
from service.crypto.key_material import PrivateKey, generate
from service.crypto.key_schedule import KnownKey
from service.crypto.sealing import Sealing
from service.protocol.credentials import Randomness
from service.protocol.errors import TemporarilyUnavailable
from service.records.signing_key import KeySet, SigningKey
from service.store.service_keys import ServiceKeys

_TRIES = 50


class KeyUse(NamedTuple):
    """The properties of all keys of one use. Times are in seconds."""

    algorithms: tuple[str, ...]
    """The algorithms, each with a chain of keys."""
    as_jwk: Callable[[PrivateKey, str], dict[str, Any]]
    """Makes the public JWK, for an algorithm."""
    ahead: int
    """How long a key exists before it is used."""
    lifetime: int
    """How long a key is used before the next one replaces it; 0 = until it is rotated by hand."""
    remembered: int
    """How long a retired key is kept."""
    rsa_bits: int


class KeptKeys:
    """The keys of one use, as this process knows them. Call ``look`` first, then again every few seconds."""

    def __init__(
        self,
        use: KeyUse,
        kept: ServiceKeys,
        sealing: Sealing,
        randomness: Randomness,
        clock: Callable[[], float],
        on_change: Callable[[tuple[SigningKey, ...], Mapping[str, PrivateKey]], None],
    ) -> None:
        """Know no key yet.

        Args:
            use: The use of the keys.
            kept: Their place in Redis.
            sealing: Seals their private parts.
            randomness: For sealing.
            clock: Epoch seconds.
            on_change: Called with the keys, and with the private parts by ``kid``, whenever they have changed.
        """
        self.use, self.keys = use, tuple[SigningKey, ...]()
        self.private: dict[str, PrivateKey] = {}
        self._kept, self._sealing, self._randomness = kept, sealing, randomness
        self._clock, self._on_change = clock, on_change
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="keys")

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def known(self) -> list[KnownKey]:
        """Every key that we still know, newest first within its algorithm."""
        return key_schedule.known(self.keys, int(self._clock()))

    async def look(self) -> None:
        """Read the keys, make those that are due, encrypt anew what an older master key encrypted."""
        await self._change(self._planned)

    async def rotate(self, algorithms: Iterable[str], *, at_once: bool = False) -> list[SigningKey]:
        """Make the next keys now. They are used once every client may have seen them, with ``at_once`` within seconds."""
        wanted = tuple(algorithms)

        async def changed(keys: KeySet) -> KeySet:
            now = int(self._clock())
            ahead = key_schedule.SETTLING if at_once else self.use.ahead
            for algorithm in wanted:
                waiting = [key for key in keys.keys if key.algorithm == algorithm and key.signs_from > now]
                if waiting and not at_once:
                    continue
                keys = await self._with_new(keys, key_schedule.Wanted(algorithm, now + ahead))
            return keys

        await self._change(changed)
        newest = (key_schedule.signing(self.keys, algorithm, int(self._clock()) + 2 * 86400) for algorithm in wanted)
        return [key for key in newest if key is not None]

    async def retire(self, kid: str) -> SigningKey | None:
        """Take a key out of use and out of the JWKS at once, as it is no longer trusted. None if there is no such key."""
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

    # internals

    async def _change(self, changed: Callable[[KeySet], Any]) -> None:
        """Read the keys, change them, compare and set; repeat where another process was first."""
        for attempt in range(_TRIES):
            seen = await self._kept.read()
            wanted = await changed(seen)
            if wanted == seen or await self._kept.replace(seen, wanted):
                self._take(wanted)
                return
            await asyncio.sleep(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311
        raise TemporarilyUnavailable(log="keys are being changed by others at the same time")

    async def _planned(self, seen: KeySet) -> KeySet:
        now = int(self._clock())
        keys = self._resealed(KeySet(key_schedule.remembered(seen.keys, now, self.use.remembered)))
        for wanted in key_schedule.due(
            keys, self.use.algorithms, now, lifetime=self.use.lifetime, published_ahead=self.use.ahead
        ):
            keys = await self._with_new(keys, wanted)
        return keys

    async def _with_new(self, keys: KeySet, wanted: key_schedule.Wanted) -> KeySet:
        loop = asyncio.get_running_loop()
        public: dict[str, Any] = {"kid": "-"}
        while public["kid"].startswith("-"):  # commands would read it as an option
            private = await loop.run_in_executor(self._threads, generate, wanted.algorithm, self.use.rsa_bits)
            public = self.use.as_jwk(private, wanted.algorithm)
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
        """Encrypt all keys anew under the first master key, so that the others can be removed."""

        def resealed(key: SigningKey) -> SigningKey:
            if key.sealed_under == self._sealing.current:
                return key
            about = _about(key.kid, key.algorithm)
            private = self._sealing.unseal(key.sealed, key.sealed_under, about)
            sealed = self._sealing.seal(private, about, self._randomness)
            return msgspec.structs.replace(key, sealed=sealed, sealed_under=self._sealing.current)

        return KeySet(tuple(resealed(key) for key in keys.keys))

    def _take(self, keys: KeySet) -> None:
        if keys.keys == self.keys:
            return
        self.private = {
            key.kid: self.private.get(key.kid)
            or self._sealing.unseal(key.sealed, key.sealed_under, _about(key.kid, key.algorithm))
            for key in keys.keys
        }
        self.keys = keys.keys
        self._on_change(self.keys, self.private)


def _about(kid: str, algorithm: str) -> str:
    return f"{kid} {algorithm}"
