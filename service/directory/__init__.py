"""Who people are: one interface, whoever keeps the accounts (Redis, or a webhook), and what makes guessing slow."""

from service.directory.directory import BlockedError, Directory, Person
from service.directory.guard import failures_of, network_of
from service.directory.http_directory import HttpDirectory
from service.directory.redis_directory import RedisDirectory

__all__ = ["BlockedError", "Directory", "HttpDirectory", "Person", "RedisDirectory", "failures_of", "network_of"]
