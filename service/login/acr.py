"""The authentication context class of a session, computed from the methods by which its user proved who they are."""

from collections.abc import Collection

from service.settings import Settings


def acr_of(settings: Settings, amr: Collection[str]) -> str:
    """Return the class that these authentication methods (RFC 8176) reach: of the first line of the table that they fit."""
    held = set(amr)
    reached = (rule.acr for rule in settings.acr_by_amr if any(set(methods.split()) <= held for methods in rule.amr))
    return next(reached, settings.acr)


def offered_acrs(settings: Settings) -> list[str]:
    """Return every class that a session may have, the strongest first (``acr_values_supported``)."""
    return list(dict.fromkeys([*(rule.acr for rule in settings.acr_by_amr), settings.acr]))
