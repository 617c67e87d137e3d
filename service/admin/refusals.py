"""Requests that were refused lately: written in the background by every process, and looked at by operators."""

import logging
from typing import Any, NamedTuple

from service.admin.paging import Listing, newest_first
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.refusals import ANY, REFUSALS
from service.records.refused_request import RefusedRequest
from service.redis.errors import StoreError
from service.store.refused_requests import PlacedRefusal

log = logging.getLogger(__name__)

ERRORS = tuple(sorted({one.error for one in REFUSALS} - {ANY}))
"""Every error that a request can be refused with."""
_REMEDIES = {(one.error, one.reason): one.remedy for one in REFUSALS}


class RefusalFilter(NamedTuple):
    """What to look for; "" and 0 = anything. ``since``: epoch seconds."""

    client_id: str = ""
    error: str = ""
    reason: str = ""
    since: int = 0

    def matches(self, request: RefusedRequest) -> bool:
        """Whether this is one of them."""
        return (
            self.client_id in ("", request.client_id)
            and self.error in ("", request.error)
            and self.reason in ("", request.reason)
        )


async def write_refused(issuer: Issuer) -> None:
    """Write what this process refused since the last time; what cannot be written is counted by metrics all the same."""
    taken = issuer.refusals.take()
    if not taken:
        return
    try:
        await issuer.store.refused_requests.append(taken)
    except (TemporarilyUnavailable, StoreError) as error:
        log.debug(Event.REFUSALS_NOT_WRITTEN, extra={"count": len(taken), "why": str(error)})


async def list_refused(
    issuer: Issuer, wanted: RefusalFilter, cursor: str = "", count: int = 100
) -> Listing[PlacedRefusal]:
    """A page, the newest in front; looks at ``10 × count`` at most. Raises Refused for a bad cursor."""

    def matches(placed: PlacedRefusal) -> bool:
        return wanted.matches(placed.request)

    return await newest_first(issuer.store.refused_requests.before, wanted.since, matches, cursor, count)


def describe(placed: PlacedRefusal) -> dict[str, Any]:
    """The output; ``at``: epoch seconds with a fraction; ``remedy``: what to do about it."""
    request = placed.request
    members = {name: getattr(request, name) for name in RefusedRequest.__struct_fields__}
    return {"id": placed.place} | members | {"at": request.at / 1000, "remedy": remedy_of(request)}


def remedy_of(request: RefusedRequest) -> str:
    """What to do about it, in a sentence."""
    return _REMEDIES.get((request.error, request.reason)) or _REMEDIES.get((ANY, request.reason), "")
