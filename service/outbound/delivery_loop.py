"""The delivery loop that logout tokens and notifications of hooks share."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from service.observe.events import Event
from service.observe.outages import Outage
from service.protocol.errors import TemporarilyUnavailable

log = logging.getLogger(__name__)

AT_ONCE = 20
"""Deliveries of one queue that a process has under way at most."""
_EVERY = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE = 2, 3600


async def keep_delivering(deliver_due: Callable[[], Awaitable[int]], what: str) -> None:
    """Deliver what is due, at most ``AT_ONCE`` at a time, until cancelled.

    Args:
        deliver_due: Delivers and returns how many it tried.
        what: The name of the queue in logs.
    """
    outage = Outage(log, Event.DELIVERY_QUEUE_UNAVAILABLE, Event.DELIVERY_QUEUE_AVAILABLE)
    while True:
        await asyncio.sleep(_EVERY * random.uniform(0.5, 1.0))  # noqa: S311
        try:
            while await deliver_due() == AT_ONCE:
                pass
            outage.succeeded(queue=what)
        except TemporarilyUnavailable as error:
            outage.failed(error.log, queue=what)


async def deliver_or_later(
    deliver: Callable[[], Awaitable[None]], try_again: Callable[[str], Awaitable[None]], what: str, client_id: str
) -> None:
    """Deliver one; an unforeseen error is a failed attempt, and holds up no other delivery.

    Args:
        deliver: Delivers it.
        try_again: Counts a failed attempt, with its reason.
        what: The name of the queue in logs.
        client_id: Whom it is for.

    Raises:
        TemporarilyUnavailable: Redis is away.
    """
    try:
        await deliver()
    except TemporarilyUnavailable:
        raise
    except Exception:
        log.exception(Event.DELIVERY_FAILED, extra={"queue": what, "client_id": client_id})
        await try_again("an unforeseen error, see the log")


def pause_after(attempts: int) -> int:
    """Return the seconds to wait after so many failed attempts: 2, 4, 8 … an hour at most."""
    return min(_FIRST_PAUSE << min(attempts - 1, 20), _LONGEST_PAUSE)
