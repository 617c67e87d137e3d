"""The schedule of keys: pure functions of the keys' times and of now, by which all processes come to the same plan.

A key is next → active → retired. It is published before it signs, at least as long as others may cache our JWKS, and after
it signed until its last token has expired; then it is remembered for a while, for old ID tokens that come back as hints.

A key that others encrypt to is published while it is active, when every process has it, and still decrypts while it is
retired, as others may have cached our JWKS (OpenID Connect Core 10.2.1).
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import msgspec

from service.observe.metrics import KeyTimes
from service.records.signing_key import KeySet, SigningKey

LONGEST_TOKEN = 86400
"""The longest lifetime of a signed token in seconds; settings and client metadata keep to it."""
SLACK = 60
"""Seconds by which clocks may differ, and processes be late."""
SETTLING = 15
"""Seconds after which every process has read a change of keys (they look every ``keyring.EVERY``)."""
REMEMBERED = 86400 * 90
"""Seconds for which a key that is no longer published can still verify a hint."""


class KeyState(StrEnum):
    """The state of a key."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"
    REMEMBERED = "remembered"


class KnownKey(NamedTuple):
    """A key as lists show it."""

    key: SigningKey
    state: KeyState


class Wanted(NamedTuple):
    """A key that should be made."""

    algorithm: str
    signs_from: int


def state(key: SigningKey, now: int) -> KeyState:
    """Return the state of a key."""
    if now < key.signs_from:
        return KeyState.NEXT
    if not key.signs_until or now < key.signs_until:
        return KeyState.ACTIVE
    return KeyState.RETIRED if now < key.signs_until + LONGEST_TOKEN + SLACK else KeyState.REMEMBERED


def known(keys: Iterable[SigningKey], now: int) -> list[KnownKey]:
    """Return all of them, newest first within its algorithm."""
    ordered = sorted(keys, key=lambda key: (key.algorithm, -key.signs_from))
    return [KnownKey(key, state(key, now)) for key in ordered]


def published(keys: Iterable[SigningKey], now: int) -> list[SigningKey]:
    """Return the keys in the JWKS."""
    return [key for key in keys if state(key, now) is not KeyState.REMEMBERED]


def offered(keys: Iterable[SigningKey], algorithms: Iterable[str], now: int) -> list[SigningKey]:
    """Return the keys in the JWKS that others are to encrypt to, by these algorithms."""
    wanted = frozenset(algorithms)
    return [key for key in keys if key.algorithm in wanted and state(key, now) is KeyState.ACTIVE]


def decrypting(keys: Iterable[SigningKey], algorithm: str, now: int) -> list[SigningKey]:
    """Return the keys that content may have been encrypted to by this algorithm, newest first."""
    found = [key for key in keys if key.algorithm == algorithm and state(key, now) is not KeyState.REMEMBERED]
    return sorted(found, key=lambda key: -key.signs_from)


def signing(keys: Iterable[SigningKey], algorithm: str, now: int) -> SigningKey | None:
    """Return the key that signs now: the active one, or where there is none yet the one that begins first."""
    chain = [key for key in keys if key.algorithm == algorithm and (not key.signs_until or now < key.signs_until)]
    active = [key for key in chain if key.signs_from <= now]
    if active:
        return max(active, key=lambda key: (key.signs_from, key.kid))
    return min(chain, key=lambda key: (key.signs_from, key.kid), default=None)


def remembered(keys: Iterable[SigningKey], now: int, longest: int = REMEMBERED) -> tuple[SigningKey, ...]:
    """Return the keys that are still needed; retired ones are remembered for ``longest`` seconds."""
    forget_after = LONGEST_TOKEN + SLACK + longest
    return tuple(key for key in keys if not key.signs_until or now < key.signs_until + forget_after)


def due(keys: KeySet, algorithms: Iterable[str], now: int, *, lifetime: int, published_ahead: int) -> list[Wanted]:
    """Return the keys that should be made now. A key signs for ``lifetime`` seconds, 0 = until it is rotated by hand."""
    wanted = []
    for algorithm in algorithms:
        newest = _newest(keys.keys, algorithm)
        if newest is None:
            wanted.append(Wanted(algorithm, now + SETTLING if keys.keys else now))
        elif lifetime and newest.signs_from <= now and now + published_ahead >= newest.signs_from + lifetime:
            wanted.append(Wanted(algorithm, now + published_ahead))
    return wanted


def added(keys: Iterable[SigningKey], new: SigningKey) -> tuple[SigningKey, ...]:
    """Add the new key; the one before it signs until the new one begins.

    A key that would begin later, as in an emergency during a rotation, has signed nothing and is left out.
    """

    def until_then(key: SigningKey) -> SigningKey:
        if key.signs_until and key.signs_until <= new.signs_from:
            return key
        return msgspec.structs.replace(key, signs_until=max(new.signs_from, key.signs_from + 1))

    others = (key for key in keys if key.algorithm != new.algorithm or key.signs_from <= new.signs_from)
    return (*(until_then(key) if key.algorithm == new.algorithm else key for key in others), new)


def without(keys: Iterable[SigningKey], gone: SigningKey, now: int) -> tuple[SigningKey, ...] | None:
    """Remove a key: its predecessor continues to sign, or its successor begins now. Return None if there is neither."""
    rest = [key for key in keys if key.kid != gone.kid]
    chain = sorted(
        (key for key in rest if key.algorithm == gone.algorithm and (not key.signs_until or now < key.signs_until)),
        key=lambda key: (key.signs_from, key.kid),
    )
    if not chain:
        return None
    changed = {chain[-1].kid: msgspec.structs.replace(chain[-1], signs_until=0)}
    if chain[0].signs_from > now:
        changed[chain[0].kid] = msgspec.structs.replace(changed.get(chain[0].kid, chain[0]), signs_from=now)
    return tuple(changed.get(key.kid, key) for key in rest)


def times(keys: Iterable[SigningKey], algorithms: Iterable[str], now: float, lifetime: int) -> list[KeyTimes]:
    """Return the times of the key that signs with each algorithm now (``lifetime`` as in ``due``); keys of files have none."""
    kept = tuple(keys)
    found = []
    for algorithm in algorithms:
        key = signing(kept, algorithm, int(now))
        if key is None:
            continue
        ends = key.signs_until or (key.signs_from + lifetime if lifetime and key.sealed else 0)
        age = max(0.0, now - key.signs_from) if key.signs_from else None
        found.append(KeyTimes(str(algorithm), age, ends - now if ends else None))
    return found


def _newest(keys: Iterable[SigningKey], algorithm: str) -> SigningKey | None:
    """Return the last key of the chain, which has no end."""
    return next((key for key in keys if key.algorithm == algorithm and not key.signs_until), None)
