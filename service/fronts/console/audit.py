"""The audit log, with filters."""

from service.admin import audit
from service.admin.audit import AuditFilter
from service.fronts.console.visit import Page, Reply, Show, Visit

PERIODS = {"": "Any time", "3600": "Last hour", "86400": "Last day", "604800": "Last week"}
_ACTIONS = ("", "client", "user", "grant", "session", "key", "trust")
_SHOWN = 50


async def show(visit: Visit) -> Reply:
    """The newest entries that match."""
    period = visit.get("period") if visit.get("period") in PERIODS else ""
    since = int(visit.issuer.clock()) - int(period) if period else 0
    wanted = AuditFilter(visit.get("actor").strip(), visit.get("action").strip(), visit.get("target").strip(), since)
    page = await audit.list_entries(visit.issuer, wanted, visit.get("cursor"), _SHOWN)
    values = {
        "here": "audit",
        "entries": [placed.entry for placed in page.entries],
        "cursor": page.cursor,
        "first": not visit.get("cursor"),
        "wanted": wanted,
        "period": period,
        "periods": PERIODS,
        "actions": _ACTIONS,
        "filtered": any(wanted),
    }
    return Show("audit", values)


PAGES = (Page("/audit", get=show),)
