"""Pages of the reference that are made from code: `python -m docs.generate` writes all."""

from collections.abc import Callable

from docs.generate import events, profiles, refusals, settings

PAGES: dict[str, Callable[[], str]] = {
    "reference/events.md": events.page,
    "reference/profiles.md": profiles.page,
    "reference/refusals.md": refusals.page,
    "reference/settings.md": settings.page,
}
"""Each page by its path below `docs/`, and what makes its text."""
