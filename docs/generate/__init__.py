"""Pages of the reference that are made from code: `python -m docs.generate` writes all."""

from collections.abc import Callable

from docs.generate import (
    admin_api,
    cli,
    client_metadata,
    decision_api,
    discovery,
    endpoints,
    errors,
    events,
    profiles,
    redis_keys,
    refusals,
    settings,
)

PAGES: dict[str, Callable[[], str]] = {
    "reference/admin-api.md": admin_api.page,
    "reference/cli.md": cli.page,
    "reference/client-metadata.md": client_metadata.page,
    "reference/decision-api.md": decision_api.page,
    "reference/discovery.md": discovery.page,
    "reference/endpoints.md": endpoints.page,
    "reference/errors.md": errors.page,
    "reference/events.md": events.page,
    "reference/profiles.md": profiles.page,
    "reference/redis-keys.md": redis_keys.page,
    "reference/refusals.md": refusals.page,
    "reference/settings.md": settings.page,
}
"""Each page by its path below `docs/`, and what makes its text."""
