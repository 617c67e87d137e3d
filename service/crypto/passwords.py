"""Hashing of passwords and imported client secrets by argon2id, on threads of their own.

A secret that we generated has 256 random bits; SHA-256 of it is as good as argon2 and costs a microsecond.
"""

import asyncio
import hmac
import secrets
import time
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest

from argon2 import DEFAULT_HASH_LENGTH, DEFAULT_RANDOM_SALT_LENGTH, PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import ARGON2_VERSION

from service.concurrency.fair_queue import FairQueue, Requester, RequesterGroup
from service.concurrency.shared_calls import SharedCalls
from service.protocol.credentials import base64url
from service.settings import Settings

_GENERATED = "sha256:"
_LANES = 1
"""The parallelism of argon2."""
_CACHED_FOR = 60.0
_CACHED = 1000

_OPERATORS = Requester()
_requester: ContextVar[Requester] = ContextVar("requester", default=_OPERATORS)


@contextmanager
def requested_by(requester: Requester) -> Iterator[None]:
    """Attribute all hashing inside to this requester; elsewhere it is attributed to operators."""
    token = _requester.set(requester)
    try:
        yield
    finally:
        _requester.reset(token)


class Hashing:
    """argon2id with the settings' cost, a bounded number of threads and a fair and bounded queue before them."""

    def __init__(self, settings: Settings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_iterations, memory_cost=settings.argon2_memory, parallelism=_LANES
        )
        self._threads = ThreadPoolExecutor(settings.argon2_threads, thread_name_prefix="argon2")
        self._queue = FairQueue(
            settings.argon2_threads,
            settings.argon2_queue,
            settings.argon2_wait,
            "passwords to be hashed (argon2_queue)",
        )
        self._dummy_hash = _nobodys_hash(settings)
        self._cache_key = secrets.token_bytes(32)
        self._verified: dict[bytes, float] = {}
        self._checking: SharedCalls[bool] = SharedCalls()

    async def hash(self, password: str) -> str:
        """Return the hash, ``$argon2id$…``. Raises TemporarilyUnavailable where too many are waiting, or for too long."""
        return str(await self._on_thread(self._hasher.hash, password))

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password matches. ``None`` takes as long and is False, so that no caller learns which users exist.

        Raises TemporarilyUnavailable where too many are waiting.
        """
        matches = bool(await self._on_thread(self._matches, password, hashed or self._dummy_hash))
        return matches and hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Whether a hash was made at another cost than that of the settings."""
        try:
            return bool(hashed) and self._hasher.check_needs_rehash(hashed)
        except InvalidHashError:
            return False

    async def verify_secret(self, secret: str, hashed: str) -> bool:
        """Whether this is the client secret, generated or imported; an imported one is remembered for a minute."""
        if hashed.startswith(_GENERATED):
            return matches_generated(secret, hashed)
        key = hmac.digest(self._cache_key, f"{hashed}\0{secret}".encode(), "sha256")
        until = self._verified.get(key)
        if until is not None and until > time.monotonic():
            return True
        requester = _requester.get()
        if until is not None:  # a secret that was right before does not wait among guesses at one
            requester = requester._replace(group=RequesterGroup.KNOWN)
        with requested_by(requester):
            # Shared, or every expiry would be a storm of argon2.
            return await self._checking.answer(key, lambda: self._verify_and_remember(secret, hashed, key))

    async def _verify_and_remember(self, secret: str, hashed: str, key: bytes) -> bool:
        if not await self.verify(secret, hashed):
            return False
        self._verified.pop(key, None)
        while len(self._verified) >= _CACHED:
            del self._verified[next(iter(self._verified))]
        self._verified[key] = time.monotonic() + _CACHED_FOR
        return True

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (Argon2Error, InvalidHashError):
            return False

    async def _on_thread(self, function: object, *arguments: str) -> object:
        await self._queue.take(_requester.get())
        loop = asyncio.get_running_loop()
        work: Future[object] = self._threads.submit(function, *arguments)  # type: ignore[arg-type]
        # The turn ends with the work, not with its waiter, which may be cancelled meanwhile.
        work.add_done_callback(lambda done: self._done(loop, done))
        return await asyncio.wrap_future(work)

    def _done(self, loop: asyncio.AbstractEventLoop, _: Future[object]) -> None:
        with suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(self._queue.release)


def _nobodys_hash(settings: Settings) -> str:
    """Return a random hash that costs as much to check as any other. To hash a random password would delay the start."""
    sizes = (DEFAULT_RANDOM_SALT_LENGTH, DEFAULT_HASH_LENGTH)
    salt, tag = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in sizes)
    cost = f"m={settings.argon2_memory},t={settings.argon2_iterations},p={_LANES}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${tag}"


def hash_generated(secret: str) -> str:
    """Return ``sha256:<base64url>`` of a secret that we generated."""
    return _GENERATED + base64url(sha256(secret.encode()).digest())


def matches_generated(secret: str, hashed: str) -> bool:
    """Whether this is the secret that has this ``hash_generated``, in constant time."""
    return compare_digest(sha256(secret.encode()).digest(), _digest_in(hashed))


@lru_cache(_CACHED)
def _digest_in(hashed: str) -> bytes:
    """Return the digest in a ``hash_generated``, empty where there is none: each request of a client compares with it."""
    try:
        return urlsafe_b64decode(hashed.removeprefix(_GENERATED) + "=")
    except ValueError:
        return b""


def is_generated(hashed: str) -> bool:
    """Whether this is the hash of a secret that we generated."""
    return hashed.startswith(_GENERATED)
