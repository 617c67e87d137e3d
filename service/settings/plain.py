"""Settings with fast attributes: a request reads some twenty, and pydantic looks up every attribute in three places."""

from functools import cached_property
from typing import cast

from service.settings import Settings


class _Plain:
    """An object with the same attributes as the settings."""

    __slots__ = ("__dict__", "model_fields_set")

    def __setattr__(self, name: str, _: object) -> None:
        raise AttributeError(f"{name}: settings do not change")


def plain(settings: Settings) -> Settings:
    """Return the same settings, with all their cached properties computed."""
    if isinstance(settings, _Plain):
        return settings
    for kind in type(settings).__mro__:
        for name, member in vars(kind).items():
            if isinstance(member, cached_property):
                getattr(settings, name)
    return _made(settings.__dict__, settings.model_fields_set)


def changed(settings: Settings, **values: object) -> Settings:
    """Return the same settings with other values for some. Cached properties are not computed anew from these."""
    return _made({**settings.__dict__, **values}, settings.model_fields_set | values.keys())


def _made(attributes: dict[str, object], said: set[str]) -> Settings:
    made = _Plain()
    object.__setattr__(made, "__dict__", attributes)
    object.__setattr__(made, "model_fields_set", said)
    return cast(Settings, made)
