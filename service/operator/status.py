"""The status of an object: the record that it made, and whether the service is as it declares, as a condition."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

READY = "Ready"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_LONGEST = 1024


class Reason(StrEnum):
    """The reason of the condition Ready of an object; docs/how-to/kubernetes-objects.md says what to do about each."""

    DECLARED = "Declared"
    """The only reason with which the condition is True."""
    INVALID = "Invalid"
    REFUSED = "Refused"
    SECRET_UNNAMED = "SecretUnnamed"
    SECRET_NOT_OURS = "SecretNotOurs"
    SECRET_UNFIT = "SecretUnfit"
    SECRET_ENDED = "SecretEnded"
    SECRET_GOING = "SecretGoing"
    DECLARED_ELSEWHERE = "DeclaredElsewhere"
    CANNOT_END = "CannotEnd"
    CHANGING = "Changing"
    UNAVAILABLE = "Unavailable"


class News(NamedTuple):
    """The result of a reconciliation for users: a condition, and an Event where it has changed."""

    is_ready: bool
    reason: str
    message: str


def ready_of(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return the condition Ready, empty where there is none yet."""
    found = (one for one in status.get("conditions") or () if one.get("type") == READY)
    return next(found, {})


def since_of(ready: Mapping[str, Any], now: float) -> float:
    """Return the time of the last transition of the condition Ready in epoch seconds; ``now`` where it has none."""
    try:
        return datetime.strptime(ready["lastTransitionTime"], _TIME).replace(tzinfo=UTC).timestamp()
    except (KeyError, TypeError, ValueError):
        return now


def with_news(status: Mapping[str, Any], news: News, generation: int, now: float) -> dict[str, Any]:
    """Return a status with the result for this generation of the object, equal to the old one where nothing changed.

    Args:
        status: The old status.
        news: The result.
        generation: Of the object.
        now: Epoch seconds.
    """
    before = ready_of(status)
    state = "True" if news.is_ready else "False"
    since = before.get("lastTransitionTime") if before.get("status") == state else None
    condition = {
        "type": READY,
        "status": state,
        "reason": news.reason,
        "message": news.message[:_LONGEST],
        "lastTransitionTime": since or datetime.fromtimestamp(now, UTC).strftime(_TIME),
        "observedGeneration": generation,
    }
    others = [one for one in status.get("conditions") or () if one.get("type") != READY]
    return {**status, "observedGeneration": generation, "conditions": [*others, condition]}
