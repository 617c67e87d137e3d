"""Settings as requests read them, some twenty each: pydantic looks for every attribute in three places."""

from functools import cached_property
from typing import cast

from service.settings import Settings


class _Plain:
    """Has the attributes of settings, read as those of any object."""

    __slots__ = ("__dict__", "model_fields_set")

    def __setattr__(self, name: str, _: object) -> None:
        raise AttributeError(f"{name}: settings do not change")


def plain(settings: Settings) -> Settings:
    """Return the same settings, with everything that follows from them worked out."""
    if isinstance(settings, _Plain):
        return settings
    for kind in type(settings).__mro__:
        for name, member in vars(kind).items():
            if isinstance(member, cached_property):
                getattr(settings, name)
    made = _Plain()
    object.__setattr__(made, "__dict__", settings.__dict__)
    object.__setattr__(made, "model_fields_set", settings.model_fields_set)
    return cast(Settings, made)


def changed(settings: Settings, **values: object) -> Settings:
    """Return the same settings but for these values; nothing that follows from others may follow from them."""
    made = _Plain()
    object.__setattr__(made, "__dict__", {**settings.__dict__, **values})
    return cast(Settings, made)
