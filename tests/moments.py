"""Times for tests: of claims in tables, relative to the run of a test and not to the import of its file; and of a clock."""

import time
from collections.abc import Callable
from itertools import count
from typing import Any


class FromNow(int):
    """Seconds from now, negative for the past."""


def settled(claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claims with every ``FromNow`` as epoch seconds."""
    now = int(time.time())
    return {name: now + value if isinstance(value, FromNow) else value for name, value in claims.items()}


def stepping(start: float) -> Callable[[], float]:
    """Return a clock that is a second later at each reading: who reads it twice for one answer tells of two times."""
    return count(start).__next__
