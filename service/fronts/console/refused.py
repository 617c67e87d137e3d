"""Requests that were refused lately, with what to do about each."""

from service.admin import refusals
from service.admin.refusals import RefusalFilter
from service.fronts.console.audit import PERIODS
from service.fronts.console.visit import Page, Reply, Show, Visit
from service.protocol.refusals import REFUSALS

_ERRORS = tuple(dict.fromkeys(one.error for one in REFUSALS))
_SHOWN = 50


async def show(visit: Visit) -> Reply:
    """The newest that match."""
    period = visit.get("period") if visit.get("period") in PERIODS else ""
    since = int(visit.issuer.clock()) - int(period) if period else 0
    wanted = RefusalFilter(visit.get("client").strip(), visit.get("error").strip(), visit.get("reason").strip(), since)
    page = await refusals.list_refused(visit.issuer, wanted, visit.get("cursor"), _SHOWN)
    values = {
        "here": "refused",
        "refused": [(placed.request, refusals.remedy_of(placed.request)) for placed in page.refused],
        "cursor": page.cursor,
        "first": not visit.get("cursor"),
        "wanted": wanted,
        "period": period,
        "periods": PERIODS,
        "errors": _ERRORS,
        "filtered": any(wanted),
    }
    return Show("refused", values)


PAGES = (Page("/refused", get=show),)
