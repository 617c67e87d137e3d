"""Requests that were refused lately, with what to do about each."""

from service.admin import refusals
from service.admin.refusals import RefusalFilter
from service.fronts.console.audit import PERIODS
from service.fronts.console.pages import ConsolePage, ConsoleRequest, Reply, Show
from service.protocol.refusals import REFUSALS

_ERRORS = tuple(dict.fromkeys(one.error for one in REFUSALS))
_SHOWN = 50


async def show(request: ConsoleRequest) -> Reply:
    """The newest that match."""
    period = request.get("period") if request.get("period") in PERIODS else ""
    since = int(request.issuer.clock()) - int(period) if period else 0
    wanted = RefusalFilter(
        request.get("client").strip(), request.get("error").strip(), request.get("reason").strip(), since
    )
    page = await refusals.list_refused(request.issuer, wanted, request.get("cursor"), _SHOWN)
    values = {
        "here": "refused",
        "refused": [(placed.request, refusals.remedy_of(placed.request)) for placed in page.refused],
        "cursor": page.cursor,
        "first": not request.get("cursor"),
        "wanted": wanted,
        "period": period,
        "periods": PERIODS,
        "errors": _ERRORS,
        "filtered": any(wanted),
    }
    return Show("refused", values)


PAGES = (ConsolePage("/refused", get=show),)
