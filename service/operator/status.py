"""The status of an object: what was made of it, and whether it is as it says (conditions as Kubernetes has them)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

READY = "Ready"
_LONGEST = 1024


class News(NamedTuple):
    """What came of looking at an object, for people: a condition, and an Event where it is news."""

    is_ready: bool
    reason: str
    message: str


def ready_of(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return the condition Ready, empty where there is none yet."""
    found = (one for one in status.get("conditions") or () if one.get("type") == READY)
    return next(found, {})


def with_news(status: Mapping[str, Any], news: News, generation: int, now: float) -> dict[str, Any]:
    """Return a status with what came of looking at this generation of the object; the same where nothing changed."""
    before = ready_of(status)
    state = "True" if news.is_ready else "False"
    since = before.get("lastTransitionTime") if before.get("status") == state else None
    condition = {
        "type": READY,
        "status": state,
        "reason": news.reason,
        "message": news.message[:_LONGEST],
        "lastTransitionTime": since or datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "observedGeneration": generation,
    }
    others = [one for one in status.get("conditions") or () if one.get("type") != READY]
    return {**status, "observedGeneration": generation, "conditions": [*others, condition]}
