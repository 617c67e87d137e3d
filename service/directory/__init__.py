"""Who people are: one interface, ``verify(username, password, address)``, whoever keeps the accounts."""

from service.directory.directory import BlockedError, Directory, Person
from service.directory.redis_directory import RedisDirectory, failures_of, network_of

__all__ = ["BlockedError", "Directory", "Person", "RedisDirectory", "failures_of", "network_of"]
