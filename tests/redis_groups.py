"""Several Redis servers: a pair of primary and replica, a Cluster, and a primary under Sentinels."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from service.dev.embedded_redis import (
    find_redis_server,
    short_temporary_directory,
)
from tests.free_ports import HOST, free_ports
from tests.redis_shapes import Node, Role, Shape, address_of, in_memory

PRIMARY_NAME = "mintmark"  # the name of the primary at the Sentinels


SLOTS = (range(0, 5461), range(5461, 10923), range(10923, 16384))
ROLES = ["master"] * 3 + ["slave"] * 3


# A pair


class Pair(Shape):
    """A primary with a replica, without Sentinels: a test makes the failover itself."""

    def url_of(self, node: Node) -> str:
        """Return the URL of a node."""
        return f"redis://{address_of(node)}/0"

    def primary(self) -> Node:
        """Return the node that accepts writes."""
        return self.primaries()[0]

    def other(self, node: Node) -> Node:
        """Return the other node."""
        return next(one for one in self.nodes if one is not node)

    def promote(self, node: Node) -> None:
        """Make a replica the primary; the old primary must be dead."""
        node.admin.execute_command("REPLICAOF", "NO", "ONE")

    def attach(self, node: Node, primary: Node, through: int | None = None) -> None:
        """Make a node, dead or alive, a replica in sync, through the port of a proxy to the primary if one is given."""
        if not node.alive:
            self.restart(node)
        node.admin.replicaof(primary.host, through or primary.port)
        self._wait(lambda: _linked(node) and _counted(primary), "the replica to be in sync")

    def _join(self) -> None:
        self.attach(self.nodes[1], self.nodes[0])


def pair() -> Pair:
    """Start a primary and its replica, which are nodes[0] and nodes[1] at first."""
    server, home = find_redis_server(), short_temporary_directory()
    roles: tuple[Role, Role] = ("primary", "replica")
    nodes = [
        Node(role, server, home / role, port, [*in_memory(home / role), "--port", str(port)])
        for role, port in zip(roles, free_ports(2), strict=True)
    ]
    return Pair(f"redis://{address_of(nodes[0])}/0", nodes, home)


def _counted(primary: Node) -> bool:
    """Whether a replica confirms a write now."""
    primary.admin.set("mm:touch", "", px=100)
    return bool(primary.admin.execute_command("WAIT", 1, 1000))


# Cluster


class Cluster(Shape):
    """Three primaries with a replica each, which are nodes[0..2] and nodes[3..5] at first."""

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
    """Start three primaries and three replicas; a replica takes over about two node timeouts after its primary's end."""
    server, home = find_redis_server(), short_temporary_directory()
    options = ["--cluster-enabled", "yes", "--cluster-node-timeout", str(node_timeout_milliseconds)]
    options += ["--cluster-replica-validity-factor", "0"]  # take over however long the primary was out of touch
    nodes = []
    for number, port in enumerate(free_ports(6)):
        node_home = home / str(port)
        arguments = [*in_memory(node_home), "--port", str(port), *options]
        nodes.append(Node("primary" if number < 3 else "replica", server, node_home, port, arguments))
    return Cluster("redis+cluster://" + ",".join(address_of(node) for node in nodes[:3]), nodes, home)


def _view(node: Node) -> dict[str, dict[str, Any]]:
    """Return all nodes as one node sees them: {"host:port": {"flags": …, "connected": …}}."""
    view: dict[str, dict[str, Any]] = node.admin.cluster("nodes")
    return view


def _acquainted(node: Node) -> bool:
    view = _view(node).values()
    return len(view) == 6 and not any("handshake" in entry["flags"] for entry in view)


def _roles(node: Node) -> frozenset[tuple[str, str]]:
    """Return the roles of all nodes as one node sees them: ("host:port", "master" or "slave", with flags of faults)."""
    return frozenset((address, entry["flags"].replace("myself,", "")) for address, entry in _view(node).items())


def _cluster_state(node: Node) -> str:
    return str(node.admin.cluster("info")["cluster_state"])


def _linked(node: Node) -> bool:
    info = node.admin.info("replication")
    return bool(info["role"] == "master" or info["master_link_status"] == "up")


# Sentinel


class Sentinel(Shape):
    """A primary, a replica and three Sentinels, which are nodes[0], nodes[1] and nodes[2..4] at first."""

    def primary_by_sentinels(self) -> Node | None:
        """Return the primary that all Sentinels agree on; None while they disagree."""
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
    """Start a primary, a replica and three Sentinels, two of which must agree that the primary is down."""
    server, home = find_redis_server(), short_temporary_directory()
    primary, replica, *sentinels = free_ports(5)
    nodes = []
    data: list[tuple[Role, int, str]] = [
        ("primary", primary, ""),
        ("replica", replica, f"replicaof {HOST} {primary}\n"),
    ]
    for role, port, line in data:
        configuration = home / role / "redis.conf"  # where sentinels note a change of roles, for the next start
        arguments = [str(configuration), *in_memory(home / role), "--port", str(port)]
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
    return Sentinel(f"redis+sentinel://{','.join(map(address_of, nodes[2:]))}/{PRIMARY_NAME}", nodes, home)


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
