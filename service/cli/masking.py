"""Masking of secrets in output."""

from pydantic import SecretStr

from service.settings import Settings

MASK = "********"


def without_password(url: str) -> str:
    """Return a Redis URL with its password masked: ``redis://user:********@host:6379/0``."""
    scheme, separator, rest = url.partition("://")
    if "@" not in rest or rest.startswith("/"):
        return url
    login, _, place = rest.rpartition("@")
    username, colon, _ = login.partition(":")
    return f"{scheme}{separator}{username}{colon}{MASK if colon else ''}@{place}"


def shown(settings: Settings, name: str) -> object:
    """Return the value of a setting for JSON, with secrets masked."""
    if isinstance(getattr(settings, name), SecretStr):
        return MASK
    value = settings.model_dump(mode="json", include={name})[name]
    return without_password(value) if name == "redis_url" else value
