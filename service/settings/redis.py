"""The address of Redis, its credentials, and how commands are sent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from service.settings.group import SettingsGroup, Timeout, checked_by
from service.settings.redis_url import parse


class RedisSettings(SettingsGroup):
    """Redis."""

    redis_url: Annotated[str, checked_by(parse)] = "redis://127.0.0.1:6379/0"
    """URL of Redis: redis:// · rediss:// · unix:// · redis+sentinel://host,host/service · redis+cluster://host,host"""
    redis_username: str | None = None
    """ACL user, where redis_url names none."""
    redis_password: SecretStr | None = None
    """Password, where redis_url has none."""
    redis_sentinel_username: str | None = None
    """ACL user of the Sentinels."""
    redis_sentinel_password: SecretStr | None = None
    """Password of the Sentinels."""
    redis_timeout: Timeout = 1.0
    """Seconds that a command may take with all its retries. Then the answer is 503."""
    redis_connect_timeout: Timeout = 1.0
    """Seconds that connecting to Redis may take."""
    redis_wait_replicas: Annotated[int, Field(ge=0, le=16)] = 0
    """Number of replicas that must confirm a redemption, rotation or revocation before it is answered; otherwise the answer is
    503."""
    redis_allow_lossy_replay: bool = False
    """Start, with a warning, although a restart of Redis would bring back what was revoked: see docs/how-to/redis.md."""
    redis_ca_file: Path | None = None
    """Certificate authority of rediss:// (PEM)."""
    redis_certificate_file: Path | None = None
    """Client certificate for rediss:// (PEM)."""
    redis_key_file: Path | None = None
    """Private key of redis_certificate_file (PEM)."""
    redis_tls: bool = False
    """Use TLS with redis+sentinel:// and redis+cluster://, too."""


TLS_FILES = ("redis_ca_file", "redis_certificate_file", "redis_key_file")
"""The settings that name files of TLS."""


def redis_tls_faults(settings: RedisSettings) -> Iterator[str]:
    """Yield settings of TLS that have no effect, with which the connection would be in clear, or that miss another one."""
    names = [name for name in TLS_FILES if getattr(settings, name)]
    if names and not settings.redis_tls and not parse(settings.redis_url).secure:
        yield f"{', '.join(names)}: for TLS only: write rediss:// in redis_url"
    if settings.redis_key_file and not settings.redis_certificate_file:  # the other way round, one file may have both
        yield "redis_key_file: needs redis_certificate_file"
