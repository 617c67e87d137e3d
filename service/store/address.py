"""Where Redis is: the URL of the settings, parsed once."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from service.settings import Settings


class Topology(Enum):
    """How many servers there are and who knows which one to ask."""

    STANDALONE = "standalone"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server: host and port, or the path of a unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        return self.path or (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}")


@dataclass(frozen=True, slots=True)
class Login:
    """ACL user and password of a server; both may be missing."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """What a Redis URL says. ``servers``: of Redis, the Sentinels, or some of the Cluster; timeouts in seconds.

    ``tls``: makes the TLS context, None = plain; ``service``: the name that the Sentinels know the primary by.
    """

    topology: Topology
    servers: tuple[Endpoint, ...]
    login: Login = Login()
    sentinel_login: Login = Login()
    service: str = ""
    database: int = 0
    tls: Callable[[], ssl.SSLContext] | None = None
    timeout: float = 1.0
    connect_timeout: float = 1.0


_DEFAULT_PORTS = {Topology.STANDALONE: 6379, Topology.CLUSTER: 6379, Topology.SENTINEL: 26379}
_TOPOLOGIES = {
    "redis": Topology.STANDALONE,
    "rediss": Topology.STANDALONE,
    "unix": Topology.STANDALONE,
    "redis+sentinel": Topology.SENTINEL,
    "rediss+sentinel": Topology.SENTINEL,
    "redis+cluster": Topology.CLUSTER,
    "rediss+cluster": Topology.CLUSTER,
}


def parse(settings: Settings) -> Address:
    """The address that ``redis_url`` and its sister settings describe. Raises ValueError with what to change."""
    url = urlsplit(settings.redis_url)
    topology = _TOPOLOGIES.get(url.scheme)
    if topology is None:
        raise ValueError(f"redis_url: unknown scheme {url.scheme!r}; use one of {', '.join(_TOPOLOGIES)}")
    secure = url.scheme.startswith("rediss") or settings.redis_tls
    return Address(
        topology=topology,
        login=_login(url.username, url.password, settings.redis_username, settings.redis_password),
        sentinel_login=_login(None, None, settings.redis_sentinel_username, settings.redis_sentinel_password),
        tls=(lambda: _tls_context(settings)) if secure else None,
        timeout=settings.redis_timeout,
        connect_timeout=settings.redis_connect_timeout,
        **_place(url, topology),
    )


def _place(url: Any, topology: Topology) -> dict[str, Any]:
    """Servers, service and database of the URL."""
    if url.scheme == "unix":
        return {
            "servers": (Endpoint(path=unquote(url.path)),),
            "database": int(parse_qs(url.query).get("db", ["0"])[0]),
        }
    hosts = url.netloc.rpartition("@")[2]
    servers = tuple(_endpoint(host, _DEFAULT_PORTS[topology]) for host in hosts.split(",") if host)
    path = [unquote(part) for part in url.path.split("/") if part]
    if not servers:
        raise ValueError("redis_url: no host is given")
    if topology is Topology.SENTINEL:
        if not path:
            raise ValueError("redis_url: name the service: redis+sentinel://host:26379,host:26379/service")
        return {"servers": servers, "service": path[0], "database": _database(path[1:])}
    if topology is Topology.CLUSTER and path:
        raise ValueError("redis_url: a Cluster has no database number")
    if topology is Topology.STANDALONE and len(servers) > 1:
        raise ValueError("redis_url: several hosts need redis+sentinel:// or redis+cluster://")
    return {"servers": servers, "database": _database(path)}


def _database(path: list[str]) -> int:
    if not path:
        return 0
    if not path[0].isdigit():
        raise ValueError(f"redis_url: the database must be a number, not {path[0]!r}")
    return int(path[0])


def _endpoint(text: str, default_port: int) -> Endpoint:
    parts = urlsplit(f"//{text}")
    return Endpoint(host=parts.hostname or "", port=parts.port or default_port)


def _login(username: str | None, password: str | None, other_username: str | None, other_password: Any) -> Login:
    """The URL's user and password; the settings' where it has none."""
    hidden = other_password.get_secret_value() if other_password else None
    return Login(
        unquote(username) if username else other_username,
        unquote(password) if password else hidden,
    )


def _tls_context(settings: Settings) -> ssl.SSLContext:
    """Verifies the server against ``redis_ca_file`` (or the system's); shows our certificate where one is set."""
    context = ssl.create_default_context(cafile=settings.redis_ca_file)
    if settings.redis_certificate_file:
        context.load_cert_chain(settings.redis_certificate_file, settings.redis_key_file)
    return context
