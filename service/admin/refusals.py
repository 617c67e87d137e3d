"""Recently refused requests: written in the background by every process, and listed for operators."""

import logging
from typing import Annotated

from pydantic import AfterValidator, Field

from service.admin.input import Input, Since, Word
from service.admin.paging import Cursor, Limit, Listing, newest_first
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.refusal_reasons import ANY, REASONS, REFUSALS
from service.records.refused_request import RefusedRequest
from service.redis.errors import StoreError
from service.store.refused_requests import PlacedRefusal

log = logging.getLogger(__name__)

ERRORS = tuple(sorted({one.error for one in REFUSALS} - {ANY}))
"""Every error that a request can be refused with."""
_REMEDIES = {(one.error, one.reason): one.remedy for one in REFUSALS}


def _known_error(error: str) -> str:
    if error and error not in ERRORS:
        raise ValueError(f"there is no such error; there are {', '.join(ERRORS)}")
    return error


def _known_reason(reason: str) -> str:
    if reason and reason not in REASONS:
        raise ValueError("there is no such reason; docs/reference/refusals.md lists them all")
    return reason


class RefusalFilter(Input):
    """The filter of refused requests; "" and 0 = any."""

    client_id: Annotated[Word, Field(description="Only requests of this client.")] = ""
    error: Annotated[
        Word, AfterValidator(_known_error), Field(description="Only requests answered with this error: invalid_grant.")
    ] = ""
    reason: Annotated[
        Word,
        AfterValidator(_known_reason),
        Field(description="Only requests refused for this reason (docs/reference/refusals.md)."),
    ] = ""
    since: Since = 0


async def write_refused(issuer: Issuer) -> None:
    """Write the requests that this process has refused since the last call; metrics count also those that cannot be written."""
    taken = issuer.refusals.take()
    if not taken:
        return
    try:
        await issuer.store.refused_requests.append(taken)
    except (TemporarilyUnavailable, StoreError) as error:
        log.debug(Event.REFUSALS_NOT_WRITTEN, extra={"count": len(taken), "why": str(error)})


async def list_refused(
    issuer: Issuer, wanted: RefusalFilter, cursor: Cursor = "", limit: Limit = 100
) -> Listing[PlacedRefusal]:
    """Return a page of requests, newest first; reads ``10 × limit`` at most. Raises InvalidInput for a bad cursor."""
    wants = (wanted.client_id, wanted.error, wanted.reason)

    def matches(placed: PlacedRefusal) -> bool:
        found = (placed.request.client_id, placed.request.error, placed.request.reason)
        return all(want in ("", one) for want, one in zip(wants, found, strict=True))

    return await newest_first(issuer.store.refused_requests.before, wanted.since, matches, cursor, limit)


def remedy_of(request: RefusedRequest) -> str:
    """Return the remedy, in a sentence."""
    return _REMEDIES.get((request.error, request.reason)) or _REMEDIES.get((ANY, request.reason), "")
