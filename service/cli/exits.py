"""How a command may end: every expected failure has an exit code and a message with the remedy."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from service.admin.errors import AdminError, FaultyInput
from service.cli.masking import without_password
from service.crypto.key_material import UnusableKeyError
from service.protocol.errors import TemporarilyUnavailable
from service.redis.errors import EmbeddedRedisError, StoreError
from service.redis.unreachable import WHERE, explain
from service.settings import Settings, SettingsError, origins
from service.settings.sources import SECRETS_VARIABLE
from service.store.fitness import StoreUnfitError

REFUSED, USAGE, REDIS, SETTINGS, DIFFERENT = 1, 2, 3, 4, 5

HELP = (
    "Exit codes: 0 done · 1 refused or not found · 2 wrong usage · 3 Redis or the service cannot be used · 4 faulty settings · "
    "5 not as declared (apply --dry-run)"
)


class RedisUnusableError(Exception):
    """Redis cannot be reached or used. The text names its address and the setting to change."""


class ServiceUnusableError(Exception):
    """The service at ``--url``, or another server, cannot be reached, or is unable to do now what it is asked."""


class LoginFailedError(Exception):
    """``mintmark login`` failed: the server or the user refused, or the server has no device flow."""


class AddressUnusableError(Exception):
    """The server cannot listen at the address of its settings."""


_CODES: dict[type[Exception], int] = {
    FaultyInput: USAGE,
    AdminError: REFUSED,
    AddressUnusableError: REFUSED,
    LoginFailedError: REFUSED,
    RedisUnusableError: REDIS,
    ServiceUnusableError: REDIS,
    EmbeddedRedisError: REDIS,
    SettingsError: SETTINGS,
    UnusableKeyError: SETTINGS,
}
EXPECTED = tuple(_CODES)


def code_of(error: Exception) -> int:
    """Return the exit code of an expected failure."""
    return next(code for kind, code in _CODES.items() if isinstance(error, kind))


@contextmanager
def redis_explained(settings: Settings, origin: str = "") -> Iterator[None]:
    """Turn errors of the store into RedisUnusableError; ``origin`` is where redis_url is from, "": as the settings say."""
    origin = origin or origins(settings, {})["redis_url"]
    try:
        yield
    except TemporarilyUnavailable as error:
        reason = (error.log or error.description).removeprefix("Redis: ")
        raise RedisUnusableError(_explained(settings, origin, error, reason)) from error
    except StoreError as error:
        raise RedisUnusableError(_explained(settings, origin, error, str(error))) from error
    except StoreUnfitError as error:
        raise RedisUnusableError(f"{error}\n{_where(settings, origin)}") from error


def _explained(settings: Settings, origin: str, error: Exception, reason: str) -> str:
    what, to_do, _ = explain(error)
    if origin.startswith("--"):
        to_do = to_do.replace(WHERE, origin)
    return f"{what}: {reason}\n{_where(settings, origin)}\n{_how_to_reach_demo(settings, origin) or to_do}"


def _how_to_reach_demo(settings: Settings, origin: str) -> str:
    """Return how to reach the demo of this folder where no Redis is set, or how to start it again where it has ended, or ""."""
    from service.dev.demo import DEMO_FOLDER, is_running_in  # imported here, as a server does not need it

    place = Path(unquote(urlsplit(settings.redis_url).path)).parent.parent
    if settings.redis_url.startswith("unix:") and place.name == DEMO_FOLDER.name and not is_running_in(place):
        return (
            f"The demo that has its data in {place} has ended: `make run` there, or `mintmark demo`, starts it again."
        )
    if origin != "default" or not is_running_in(DEMO_FOLDER):
        return ""
    return (
        f"A demo runs in this folder: `export {SECRETS_VARIABLE}={DEMO_FOLDER}` leads mintmark to it. For another service say "
        "where its Redis is (MINTMARK_REDIS_URL), or use its admin API (--url)."
    )


def _where(settings: Settings, origin: str) -> str:
    return f"redis_url is {without_password(settings.redis_url)} (from: {origin})."


_LISTENING = {
    errno.EADDRINUSE: "is in use by another program; stop that one, or choose another port",
    errno.EACCES: "may not be used by this user; choose a port from 1024 on",
    errno.EADDRNOTAVAIL: "is not an address of this machine; choose another host",
}


@contextmanager
def address_explained(settings: Settings, how_to_choose: str) -> Iterator[None]:
    """Turn errors of the system about the listening address into AddressUnusableError."""
    try:
        yield
    except OSError as error:
        if error.errno is None or isinstance(error, ConnectionError | FileNotFoundError | TimeoutError):
            raise
        why = _LISTENING.get(error.errno, f"cannot be listened on: {error.strerror or os.strerror(error.errno)}")
        raise AddressUnusableError(f"{settings.host}:{settings.port} {why}: {how_to_choose}.") from error
