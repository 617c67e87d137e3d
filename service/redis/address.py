"""The address of Redis, from ``redis_url`` and the settings that belong to it."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pydantic import SecretStr

from service.settings import Settings, redis_url
from service.settings.redis import TLS_FILES
from service.settings.redis_url import ServerAddress, Topology


@dataclass(frozen=True, slots=True)
class RedisLogin:
    """ACL user and password of a server; both may be missing."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """Where Redis is, how to log in there, and how long to wait for it."""

    topology: Topology
    servers: tuple[ServerAddress, ...]
    """The Redis server, the Sentinels, or some servers of the Cluster."""
    login: RedisLogin = RedisLogin()
    sentinel_login: RedisLogin = RedisLogin()
    service: str = ""
    """The name that the Sentinels know the primary by."""
    database: int = 0
    tls: Callable[[], ssl.SSLContext] | None = None
    """Makes the TLS context; None: no TLS."""
    timeout: float = 1.0
    """Seconds for a command, retries included."""
    connect_timeout: float = 1.0
    """Seconds for a connection with its handshake."""
    wait_replicas: int = 0
    """Replicas that must confirm before something counts as used up or ended."""


def parse(settings: Settings) -> Address:
    """Read the address from the settings; user and password in the URL come first."""
    found = of_url(settings.redis_url)
    username, password = found.login.username, found.login.password
    return replace(
        found,
        login=RedisLogin(username or settings.redis_username, password or _clear(settings.redis_password)),
        sentinel_login=RedisLogin(settings.redis_sentinel_username, _clear(settings.redis_sentinel_password)),
        tls=(lambda: _tls_context(settings)) if found.tls or settings.redis_tls else None,
        timeout=settings.redis_timeout,
        connect_timeout=settings.redis_connect_timeout,
        wait_replicas=settings.redis_wait_replicas,
    )


def of_url(url: str) -> Address:
    """Read the address from a URL alone; ``rediss://`` verifies by the system's certificates. Raises ValueError."""
    found = redis_url.parse(url)
    return Address(
        topology=found.topology,
        servers=found.servers,
        service=found.service,
        database=found.database,
        login=RedisLogin(found.username, found.password),
        tls=ssl.create_default_context if found.secure else None,
    )


def _clear(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _tls_context(settings: Settings) -> ssl.SSLContext:
    """Verify the server by ``redis_ca_file`` or the system's certificates; present ours where one is set.

    Raises SSLError for a file that is not there or cannot be used: as an OSError it would pass for a Redis that is away.
    """
    for name in TLS_FILES:
        path = getattr(settings, name)
        if path is not None and not path.is_file():
            raise ssl.SSLError(f"{name}: there is no file {path}")
    context = ssl.create_default_context(cafile=settings.redis_ca_file)
    if settings.redis_certificate_file:
        context.load_cert_chain(settings.redis_certificate_file, settings.redis_key_file)
    return context
