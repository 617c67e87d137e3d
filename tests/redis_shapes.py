"""Real Redis servers in the shapes people run them: standalone, Cluster and Sentinel, on this machine, in memory.

    with cluster() as shape:      # or shape = cluster() … shape.stop(): synchronous, for a session fixture
        connect(shape.url)
        shape.flush()             # between two tests
        shape.kill(shape.primaries()[0])
        shape.heal()              # after a test that hurt it

Every wait is bounded; a ShapeFailed says what did not happen and ends with each server's last lines of log. The servers
end with the test process, however that ends.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import functools
import ipaddress
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, Self, get_args
from urllib.parse import quote

import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.dev.embedded_redis import (
    dismiss_guard,
    find_redis_server,
    last_lines,
    short_temporary_directory,
    spawn_guarded,
)

HOST = "127.0.0.1"
PRIMARY_NAME = "mintmark"  # what the sentinels call the primary
SETTLE_SECONDS = 30.0
PORTS = range(10_000, 22_000)  # a node's bus port is 10,000 higher, and both stay below what Linux gives to clients
BUS_OFFSET = 10_000
SLOTS = (range(0, 5461), range(5461, 10923), range(10923, 16384))
ROLES = ["master"] * 3 + ["slave"] * 3

Role = Literal["primary", "replica", "sentinel"]


class ShapeFailed(RuntimeError):
    """A server or a whole shape did not do what was waited for."""


class TlsUnsupported(RuntimeError):
    """No redis-server on this machine was built with TLS."""


class Entry(NamedTuple):
    """One key's content: the Redis type, the value as redis-py gives it, the milliseconds to live (-1: for ever)."""

    type: str
    value: Any
    pttl: int


@dataclass(frozen=True)
class Certificates:
    """PEM files: an authority, and a server's (localhost, 127.0.0.1) and a client's certificate signed by it."""

    authority: Path
    server_certificate: Path
    server_key: Path
    client_certificate: Path
    client_key: Path


class Node:
    """One server process. ``role`` is what it was started as; a failover changes what it is."""

    host = HOST

    def __init__(self, role: Role, server: Path, home: Path, port: int, arguments: list[str]) -> None:
        self.role = role
        self.port = port
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None
        self.connection: dict[str, Any] = {"host": HOST, "port": port}
        self._server = server
        self.arguments = arguments
        home.mkdir(parents=True)

    def __repr__(self) -> str:
        return f"<{self.role} {self.host}:{self.port}>"

    @functools.cached_property
    def admin(self) -> redis.Redis:
        """A client with short timeouts for looking after this node."""
        limits: dict[str, Any] = {"socket_timeout": 2, "socket_connect_timeout": 2, "retry": Retry(NoBackoff(), 0)}
        return redis.Redis(**self.connection, **limits, protocol=2)

    @property
    def log(self) -> str:
        return last_lines(self.home / "log")

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        with (self.home / "log").open("ab") as log:
            self.process = spawn_guarded(self._server, self.arguments, log)

    def end(self) -> None:
        """End it as a power cut would."""
        self.__dict__.pop("admin", None)
        if self.process is not None:
            dismiss_guard(self.process)
            self.process.kill()
            self.process.wait()

    def answers(self) -> bool:
        """Whether it is up. ShapeFailed if it has ended by itself."""
        if not self.alive:
            raise ShapeFailed(f"{self} ended by itself:\n{self.log}")
        return bool(self.admin.ping())

    def is_primary(self) -> bool:
        """Whether it is a primary now; False also if it is dead or gives no answer."""
        with contextlib.suppress(redis.RedisError):
            return self.alive and self.admin.execute_command("ROLE")[0] == b"master"
        return False


class Shape:
    """The running servers of one shape; ``url`` is what Mintmark is configured with."""

    def __init__(self, url: str, nodes: list[Node], home: Path, certificates: Certificates | None = None) -> None:
        self.url = url
        self.nodes = nodes
        self.home = home
        self.certificates = certificates
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        for node in self.nodes:
            node.end()
        shutil.rmtree(self.home, ignore_errors=True)

    # What a test looks at

    def primaries(self) -> list[Node]:
        """The nodes that are primaries now."""
        return [node for node in self.nodes if node.is_primary()]

    def flush(self) -> None:
        """Forget every key on every primary."""
        for node in self.primaries():
            node.admin.flushall()

    def keys(self) -> list[bytes]:
        """Every key of every primary, sorted."""
        return sorted(key for node in self.primaries() for key in _keys(node.admin))

    def dump(self) -> dict[bytes, Entry]:
        """Every key with its content."""
        return dict(sorted(item for node in self.primaries() for item in _entries(node.admin)))

    # What a test does to it

    def kill(self, node: Node) -> None:
        """End a server as a power cut would; what it held in memory is gone."""
        node.end()

    def pause(self, node: Node) -> None:
        """Make a server hang: it accepts connections, and answers nothing."""
        os.kill(_process_id(node), signal.SIGSTOP)

    def resume(self, node: Node) -> None:
        os.kill(_process_id(node), signal.SIGCONT)

    def restart(self, node: Node) -> None:
        """Start a killed server again, empty; return once it answers."""
        node.end()
        node.start()
        self._wait(node.answers, f"{node} to answer")

    def heal(self) -> None:
        """Resume and restart what is paused or dead, and wait until the shape is whole, in whichever roles."""
        for node in self.nodes:
            if node.alive:
                self.resume(node)
            else:
                self.restart(node)
        self._settle()

    def _start(self) -> None:
        for role in get_args(Role):  # a sentinel that is there before its primary would declare it down
            together = [node for node in self.nodes if node.role == role]
            for node in together:
                node.start()
            for node in together:
                self._wait(node.answers, f"{node} to answer")
        self._join()
        self._settle()

    def _join(self) -> None:
        """Make one shape of servers that do not know each other yet."""

    def _settle(self) -> None:
        """Wait until the shape is whole."""

    def _wait(self, condition: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        problem: object = ""
        while True:
            try:
                if condition():
                    return
            except redis.RedisError as error:
                problem = f" ({error!r})"
            if time.monotonic() > deadline:
                logs = "\n".join(f"  {node}\n{node.log}" for node in self.nodes)
                raise ShapeFailed(f"waited {SETTLE_SECONDS:.0f} s in vain for {what}{problem}\n{logs}")
            time.sleep(0.02)


# Standalone


def standalone(
    *,
    user: str | None = None,
    password: str | None = None,
    maxmemory: str | None = None,
    unix: bool = False,
    tls: bool = False,
    require_client_certificate: bool = False,
) -> Shape:
    """One server: ``redis://``, ``rediss://`` (TlsUnsupported if there is no server for it) or ``unix://``.

    With ``user`` and ``password`` nobody else may do anything; with ``password`` alone it is the default user's.
    ``maxmemory`` is Redis's spelling ("3mb"); a full server refuses writes.
    """
    server = tls_server() if tls else find_redis_server()
    home, (port,) = short_temporary_directory(), free_ports(1)
    certificates = issue_certificates(home) if tls else None
    arguments = _in_memory(home / "node") + _access(user, password)
    if maxmemory:
        arguments += ["--maxmemory", maxmemory, "--maxmemory-policy", "noeviction"]
    if unix:
        arguments += ["--port", "0", "--unixsocket", str(home / "redis.sock")]
    elif certificates:
        arguments += _tls(port, certificates, require_client_certificate)
    else:
        arguments += ["--port", str(port)]

    node = Node("primary", server, home / "node", port, arguments)
    if unix:
        node.connection = {"unix_socket_path": str(home / "redis.sock")}
    if certificates:
        node.connection |= _tls_client(certificates)
    node.connection |= {"username": user, "password": password}
    return Shape(_standalone_url(node, user, password), [node], home, certificates)


def _standalone_url(node: Node, user: str | None, password: str | None) -> str:
    login = f"{quote(user or '', safe='')}:{quote(password, safe='')}@" if password else ""
    if path := node.connection.get("unix_socket_path"):
        return f"unix://{login}{path}"
    return f"{'rediss' if node.connection.get('ssl') else 'redis'}://{login}{node.host}:{node.port}/0"


def _access(user: str | None, password: str | None) -> list[str]:
    if user:
        secret = f">{password}" if password else "nopass"
        return ["--user", user, "on", secret, "~*", "&*", "+@all", "--user", "default", "off"]
    return ["--requirepass", password] if password else []


# A pair


class Pair(Shape):
    """A primary with a replica, and nobody who watches them: a test itself plays the failover."""

    def url_of(self, node: Node) -> str:
        """Where a service finds this one."""
        return f"redis://{_address(node)}/0"

    def primary(self) -> Node:
        """The one that takes writes."""
        return self.primaries()[0]

    def other(self, node: Node) -> Node:
        """The node that is not this one."""
        return next(one for one in self.nodes if one is not node)

    def promote(self, node: Node) -> None:
        """Make a replica the primary; the one that was so is expected to be dead."""
        node.admin.execute_command("REPLICAOF", "NO", "ONE")

    def attach(self, node: Node, primary: Node, through: int | None = None) -> None:
        """Make a node, dead or alive, a replica that is in sync; ``through``: the port of a proxy to the primary."""
        if not node.alive:
            self.restart(node)
        node.admin.replicaof(primary.host, through or primary.port)
        self._wait(lambda: _linked(node) and _counted(primary), "the replica to be in sync")

    def _join(self) -> None:
        self.attach(self.nodes[1], self.nodes[0])


def pair() -> Pair:
    """A primary and its replica: nodes[0] and nodes[1] when it starts."""
    server, home = find_redis_server(), short_temporary_directory()
    roles: tuple[Role, Role] = ("primary", "replica")
    nodes = [
        Node(role, server, home / role, port, [*_in_memory(home / role), "--port", str(port)])
        for role, port in zip(roles, free_ports(2), strict=True)
    ]
    return Pair(f"redis://{_address(nodes[0])}/0", nodes, home)


def _counted(primary: Node) -> bool:
    """Whether a replica confirms what is written now."""
    primary.admin.set("mm:touch", "", px=100)
    return bool(primary.admin.execute_command("WAIT", 1, 1000))


# Cluster


class Cluster(Shape):
    """Three primaries with a replica each: nodes[0..2] and nodes[3..5] when it starts."""

    def _join(self) -> None:
        primaries, replicas = self.nodes[:3], self.nodes[3:]
        for epoch, (node, slots) in enumerate(zip(primaries, SLOTS, strict=True), start=1):
            node.admin.execute_command("CLUSTER SET-CONFIG-EPOCH", epoch)
            node.admin.execute_command("CLUSTER ADDSLOTS", *slots)  # ADDSLOTSRANGE came with 7.0
        for one, other in combinations(self.nodes, 2):
            one.admin.execute_command("CLUSTER MEET", other.host, other.port)
        self._wait(lambda: all(_acquainted(node) for node in self.nodes), "all nodes to know each other")
        for primary, replica in zip(primaries, replicas, strict=True):
            replica.admin.execute_command("CLUSTER REPLICATE", primary.admin.execute_command("CLUSTER MYID"))

    def _settle(self) -> None:
        self._wait(lambda: all(_cluster_state(node) == "ok" for node in self.nodes), "cluster_state:ok everywhere")
        self._wait(lambda: len({_roles(node) for node in self.nodes}) == 1, "all nodes to agree on who is what")
        self._wait(lambda: sorted(role for _, role in _roles(self.nodes[0])) == ROLES, "3 primaries and 3 replicas")
        self._wait(lambda: all(_linked(node) for node in self.nodes), "every replica to be in sync")


def cluster(*, node_timeout_milliseconds: int = 2000) -> Cluster:
    """Three primaries and three replicas; a replica takes over some two node timeouts after its primary's death."""
    server, home = find_redis_server(), short_temporary_directory()
    options = ["--cluster-enabled", "yes", "--cluster-node-timeout", str(node_timeout_milliseconds)]
    options += ["--cluster-replica-validity-factor", "0"]  # take over however long the primary was out of touch
    nodes = []
    for number, port in enumerate(free_ports(6)):
        node_home = home / str(port)
        arguments = [*_in_memory(node_home), "--port", str(port), *options]
        nodes.append(Node("primary" if number < 3 else "replica", server, node_home, port, arguments))
    return Cluster("redis+cluster://" + ",".join(_address(node) for node in nodes[:3]), nodes, home)


def _view(node: Node) -> dict[str, dict[str, Any]]:
    """What a node says of all nodes: {"host:port": {"flags": …, "connected": …}}."""
    view: dict[str, dict[str, Any]] = node.admin.cluster("nodes")
    return view


def _acquainted(node: Node) -> bool:
    view = _view(node).values()
    return len(view) == 6 and not any("handshake" in entry["flags"] for entry in view)


def _roles(node: Node) -> frozenset[tuple[str, str]]:
    """Who is what in this node's eyes: ("host:port", "master" or "slave", or more words if there is trouble)."""
    return frozenset((address, entry["flags"].replace("myself,", "")) for address, entry in _view(node).items())


def _cluster_state(node: Node) -> str:
    return str(node.admin.cluster("info")["cluster_state"])


def _linked(node: Node) -> bool:
    info = node.admin.info("replication")
    return bool(info["role"] == "master" or info["master_link_status"] == "up")


# Sentinel


class Sentinel(Shape):
    """A primary, a replica and three sentinels: nodes[0], nodes[1] and nodes[2..4] when it starts."""

    def primary_by_sentinels(self) -> Node | None:
        """The node that all sentinels call the primary; None while they disagree."""
        named = {sentinel.admin.sentinel_get_master_addr_by_name(PRIMARY_NAME) for sentinel in self._sentinels()}
        return next((node for node in self._data_nodes() if named == {(node.host, node.port)}), None)

    def _settle(self) -> None:
        self._wait(self._whole, "the sentinels to agree on a primary and to see its replica and each other")

    def _whole(self) -> bool:
        primary = self.primary_by_sentinels()
        if primary is None or not primary.is_primary():
            return False
        replicas = [node for node in self._data_nodes() if node is not primary]
        for replica in replicas:
            if replica.is_primary():  # back from the dead; sentinels would demote it too, but take 10 s to do so
                replica.admin.replicaof(primary.host, primary.port)
                replica.admin.config_rewrite()
        return all(map(_linked, replicas)) and all(map(_sees_all, self._sentinels()))

    def _data_nodes(self) -> list[Node]:
        return [node for node in self.nodes if node.role != "sentinel"]

    def _sentinels(self) -> list[Node]:
        return [node for node in self.nodes if node.role == "sentinel"]


def sentinel(*, down_after_milliseconds: int = 1000, failover_timeout_milliseconds: int = 2000) -> Sentinel:
    """A primary, a replica and three sentinels, two of which must agree that the primary is down."""
    server, home = find_redis_server(), short_temporary_directory()
    primary, replica, *sentinels = free_ports(5)
    nodes = []
    data: list[tuple[Role, int, str]] = [
        ("primary", primary, ""),
        ("replica", replica, f"replicaof {HOST} {primary}\n"),
    ]
    for role, port, line in data:
        configuration = home / role / "redis.conf"  # where sentinels note a change of roles, for the next start
        arguments = [str(configuration), *_in_memory(home / role), "--port", str(port)]
        nodes.append(Node(role, server, home / role, port, arguments))
        configuration.write_text(line)

    names = {port: f"{port:040x}" for port in sentinels}
    for port in sentinels:
        configuration = home / str(port) / "sentinel.conf"
        node = Node("sentinel", server, configuration.parent, port, [str(configuration), "--sentinel"])
        node.connection["decode_responses"] = True
        nodes.append(node)
        lines = [
            f"port {port}",
            f"bind {HOST}",
            f"dir {node.home}",
            f"sentinel myid {names[port]}",
            f"sentinel monitor {PRIMARY_NAME} {HOST} {primary} 2",
            f"sentinel down-after-milliseconds {PRIMARY_NAME} {down_after_milliseconds}",
            f"sentinel failover-timeout {PRIMARY_NAME} {failover_timeout_milliseconds}",
            # As a sentinel notes them for its own restart; finding them out would take it several seconds.
            f"sentinel known-replica {PRIMARY_NAME} {HOST} {replica}",
            *(f"sentinel known-sentinel {PRIMARY_NAME} {HOST} {p} {names[p]}" for p in sentinels if p != port),
        ]
        configuration.write_text("\n".join(lines) + "\n")
    return Sentinel(f"redis+sentinel://{','.join(map(_address, nodes[2:]))}/{PRIMARY_NAME}", nodes, home)


def _sees_all(sentinel: Node) -> bool:
    primary = sentinel.admin.sentinel_master(PRIMARY_NAME)
    others = sentinel.admin.sentinel_sentinels(PRIMARY_NAME)
    replicas = sentinel.admin.sentinel_slaves(PRIMARY_NAME)
    assert isinstance(others, list)
    assert isinstance(replicas, list)
    assert isinstance(primary, dict)
    seen: list[dict[str, Any]] = [*others, *replicas, primary]
    trouble = any(entry[f"is_{flag}"] for entry in seen for flag in ("sdown", "odown", "disconnected"))
    met = all(entry["runid"] for entry in replicas)  # asked once how it does, so that it can be promoted
    return len(others) == 2 and len(replicas) == 1 and met and not trouble


# TLS


@functools.cache
def supports_tls(server: Path) -> bool:
    """Whether a server was built with TLS; the bundled ones were not. One that was misses its certificate here."""
    answer = subprocess.run(
        [server, "--port", "0", "--tls-port", "1"], capture_output=True, check=False, timeout=5, text=True
    )
    said = answer.stdout + answer.stderr
    return "Bad directive" not in said and "Failed finding TLS support" not in said  # Redis, Valkey


def tls_server() -> Path:
    """The found redis-server if it can do TLS, else the first on PATH that can; raises TlsUnsupported."""
    on_path = [Path(folder) / "redis-server" for folder in os.get_exec_path()]
    for server in [find_redis_server(), *on_path]:
        if os.access(server, os.X_OK) and supports_tls(server):
            return server
    raise TlsUnsupported("no redis-server here was built with TLS (Debian's is: apt-get install redis-server)")


def tls_is_available() -> bool:
    """For skipif."""
    with contextlib.suppress(TlsUnsupported):
        return bool(tls_server())
    return False


def issue_certificates(home: Path) -> Certificates:
    """Write a new authority with a server's and a client's certificate, valid for a day."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _sign("Mintmark tests", authority_key, "Mintmark tests", authority_key, authority=True)
    files = {"authority": _pem(authority)}
    for name in ("server", "client"):
        key = ec.generate_private_key(ec.SECP256R1())
        files[f"{name}_certificate"] = _pem(_sign(name, key, "Mintmark tests", authority_key))
        files[f"{name}_key"] = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    paths = {name: home / f"{name}.pem" for name in files}
    for name, path in paths.items():
        path.write_bytes(files[name])
    return Certificates(**paths)


def _sign(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(HOST))]
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    usage |= {"crl_sign": False, "encipher_only": False, "decipher_only": False}
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=authority, **usage), critical=True)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _tls(port: int, certificates: Certificates, require_client_certificate: bool) -> list[str]:
    files = {
        "cert": certificates.server_certificate,
        "key": certificates.server_key,
        "ca-cert": certificates.authority,
    }
    options = [word for name, path in files.items() for word in (f"--tls-{name}-file", str(path))]
    ask = "yes" if require_client_certificate else "optional"
    return ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", ask, *options]


def _tls_client(certificates: Certificates) -> dict[str, Any]:
    return {
        "ssl": True,
        "ssl_ca_certs": str(certificates.authority),
        "ssl_certfile": str(certificates.client_certificate),
        "ssl_keyfile": str(certificates.client_key),
    }


# Small change


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody uses, nor the bus ports that go with them; kept for this process until it ends."""
    candidates = random.sample(PORTS, len(PORTS))
    free = (p for p in candidates if _claim(p) and _is_free(p) and _is_free(p + BUS_OFFSET))
    return [next(free) for _ in range(count)]


def _claim(port: int) -> bool:
    # Other test processes pick ports too, maybe between our look at a port and the server's start, or while the server
    # that had it is dead for a test. A lock on the port's byte of a shared file ends with the process.
    if port in _claimed:
        return False
    try:
        fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    _claimed.add(port)
    return True


_claimed: set[int] = set()


@functools.cache
def _claims() -> IO[bytes]:
    return (Path(tempfile.gettempdir()) / f"mintmark-test-ports-{os.getuid()}").open("ab")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _in_memory(home: Path) -> list[str]:
    storage = ["--dir", str(home), "--save", "", "--appendonly", "no"]
    replication = ["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"]
    return [*storage, *replication, "--bind", HOST]


def _address(node: Node) -> str:
    return f"{node.host}:{node.port}"


def _process_id(node: Node) -> int:
    if not node.alive or node.process is None:
        raise ShapeFailed(f"{node} is not running:\n{node.log}")
    return node.process.pid


def _keys(client: redis.Redis) -> list[bytes]:
    keys: list[bytes] = client.execute_command("KEYS", "*")
    return keys


def _entries(client: redis.Redis) -> Iterator[tuple[bytes, Entry]]:
    readers: dict[str, Callable[[bytes], Any]] = {
        "string": client.get,
        "hash": client.hgetall,
        "list": lambda key: client.lrange(key, 0, -1),
        "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        "stream": client.xrange,
    }
    for key in _keys(client):
        kind = client.execute_command("TYPE", key).decode()
        if kind in readers:  # "none": it ended between the two looks
            yield key, Entry(kind, readers[kind](key), client.pttl(key))
