"""The audit log, with filters."""

from service.admin import audit
from service.admin.audit import AuditFilter
from service.fronts.console.pages import ConsolePage, ConsoleRequest, Reply, Show

PERIODS = {"": "Any time", "3600": "Last hour", "86400": "Last day", "604800": "Last week"}
_ACTIONS = ("", "client", "user", "grant", "session", "key", "trust")
_SHOWN = 50


async def show(request: ConsoleRequest) -> Reply:
    """The newest entries that match."""
    period = request.get("period") if request.get("period") in PERIODS else ""
    since = int(request.issuer.clock()) - int(period) if period else 0
    wanted = AuditFilter(
        request.get("actor").strip(), request.get("action").strip(), request.get("target").strip(), since
    )
    page = await audit.list_entries(request.issuer, wanted, request.get("cursor"), _SHOWN)
    values = {
        "here": "audit",
        "entries": [placed.entry for placed in page.entries],
        "cursor": page.cursor,
        "first": not request.get("cursor"),
        "wanted": wanted,
        "period": period,
        "periods": PERIODS,
        "actions": _ACTIONS,
        "filtered": any(wanted),
    }
    return Show("audit", values)


PAGES = (ConsolePage("/audit", get=show),)
