"""The URL of Redis, parsed once."""

from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from service.protocol.whole_numbers import whole_number


class Topology(Enum):
    """The topology of the Redis servers."""

    STANDALONE = "standalone"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """One server: host and port, or the path of a unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        return self.path or (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}")


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """The parts of the URL."""

    topology: Topology
    servers: tuple[ServerAddress, ...]  # the Redis server, the Sentinels, or some nodes of the Cluster
    service: str = ""  # the name of the primary at the Sentinels
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    secure: bool = False  # TLS


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


def parse(text: str) -> RedisUrl:
    """Parse the URL.

    Raises:
        ValueError: The URL is invalid. The text says what to change, and quotes nothing that may be a password.
    """
    url = urlsplit(text)
    topology = _TOPOLOGIES.get(url.scheme)
    if topology is None:
        raise ValueError(f"unknown scheme; use one of {', '.join(f'{scheme}://' for scheme in _TOPOLOGIES)}")
    if (url.query and url.scheme != "unix") or url.fragment:
        raise ValueError(
            "what follows ? or # is not read: passwords stand before @, the rest are settings of their own"
        )
    servers, service, database = _unix(url) if url.scheme == "unix" else _network(url, topology)
    return RedisUrl(
        topology,
        servers,
        service,
        database,
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        secure=url.scheme.startswith("rediss"),
    )


_Place = tuple[tuple[ServerAddress, ...], str, int]


def _unix(url: SplitResult) -> _Place:
    return (ServerAddress(path=unquote(url.path)),), "", _database(parse_qs(url.query).get("db", []))


def _network(url: SplitResult, topology: Topology) -> _Place:
    """Return servers, service and database of a URL with hosts. Raises ValueError."""
    hosts = url.netloc.rpartition("@")[2]
    servers = tuple(_endpoint(host, _DEFAULT_PORTS[topology]) for host in hosts.split(",") if host)
    path = [unquote(part) for part in url.path.split("/") if part]
    if not servers:
        raise ValueError("no host is given")
    if topology is Topology.SENTINEL:
        if not path:
            raise ValueError("name the service: redis+sentinel://host:26379,host:26379/service")
        return servers, path[0], _database(path[1:])
    if topology is Topology.CLUSTER and path:
        raise ValueError("a Cluster has no database number")
    if topology is Topology.STANDALONE and len(servers) > 1:
        raise ValueError("several hosts need redis+sentinel:// or redis+cluster://")
    return servers, "", _database(path)


def _database(path: list[str]) -> int:
    if not path:
        return 0
    database = whole_number(path[0])
    if database is None:
        raise ValueError("the database must be a number")
    return database


def _endpoint(text: str, default_port: int) -> ServerAddress:
    parts = urlsplit(f"//{text}")
    try:
        port = default_port if parts.port is None else parts.port
    except ValueError:
        raise ValueError(
            "a port is no number; write / ? # @ : % in user and password as %2F %3F %23 %40 %3A %25"
        ) from None
    if port == 0:
        raise ValueError("no Redis listens at port 0")
    return ServerAddress(host=parts.hostname or "", port=port)
