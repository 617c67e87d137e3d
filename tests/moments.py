"""Moments of claims in tables: told from when a test runs, not from when its file was read, which can be long before."""

import time
from typing import Any


class FromNow(int):
    """Seconds from now, in the past below zero."""


def settled(claims: dict[str, Any]) -> dict[str, Any]:
    """The claims with every ``FromNow`` as epoch seconds."""
    now = int(time.time())
    return {name: now + value if isinstance(value, FromNow) else value for name, value in claims.items()}
