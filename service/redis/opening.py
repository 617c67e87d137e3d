"""The connection for each shape of Redis."""

from service.observe.redis_watch import RedisWatch
from service.redis.address import Address
from service.redis.cluster import Cluster
from service.redis.connection import Connection
from service.redis.sentinel import Sentinel
from service.settings.redis_url import Topology

_SHAPES = {Topology.STANDALONE: Connection, Topology.SENTINEL: Sentinel, Topology.CLUSTER: Cluster}


def open_connection(address: Address, watch: RedisWatch | None = None) -> Connection:
    """The connection to this address; it connects when first used. ``watch`` sees what it does."""
    kind = _SHAPES[address.topology]
    connection = kind(address, watch)
    if address.wait_replicas:
        connection.confirming = kind(address, watch, confirms=True)
    return connection
