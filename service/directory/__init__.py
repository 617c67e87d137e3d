"""Who users are: one interface for users in Redis and behind a webhook, and the delays against guessing."""

from service.directory.directory import BlockedError, Directory, Person
from service.directory.guessing import failures_of, forget_attempts
from service.directory.http_directory import HttpDirectory
from service.directory.redis_directory import RedisDirectory
from service.protocol.networks import network_of
from service.store.known_places import LIFETIME as KNOWN_FOR

__all__ = [
    "KNOWN_FOR",
    "BlockedError",
    "Directory",
    "HttpDirectory",
    "Person",
    "RedisDirectory",
    "failures_of",
    "forget_attempts",
    "network_of",
]
