"""Times of claims in tables, relative to the run of a test and not to the import of its file, which can be long before."""

import time
from typing import Any


class FromNow(int):
    """Seconds from now, negative for the past."""


def settled(claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claims with every ``FromNow`` as epoch seconds."""
    now = int(time.time())
    return {name: now + value if isinstance(value, FromNow) else value for name, value in claims.items()}
