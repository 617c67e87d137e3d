"""The connection for each shape of Redis."""

from typing import assert_never

from service.observe.redis_watch import RedisWatch
from service.redis.address import Address
from service.redis.connection import Connection
from service.redis.sentinel import Sentinel
from service.settings.redis_url import Topology


def open_connection(address: Address, watch: RedisWatch | None = None) -> Connection:
    """Make a connection to this address, which connects on first use; ``watch`` observes it."""
    kind = _connection_to(address.topology)
    connection = kind(address, watch)
    if address.wait_replicas:
        connection.confirming = kind(address, watch, confirms=True)
        connection.confirming.sent_again = connection.sent_again
    return connection


def _connection_to(topology: Topology) -> type[Connection]:
    match topology:
        case Topology.STANDALONE:
            return Connection
        case Topology.SENTINEL:
            return Sentinel
        case Topology.CLUSTER:  # redis-py, which knows the slot of a key, is 14 MB: loaded where it is needed
            from service.redis.cluster import Cluster

            return Cluster
        case _:
            assert_never(topology)
