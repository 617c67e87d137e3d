"""Explanations of an inspected token in addition to its contents: which APIs accept it, and who ended it."""

from datetime import UTC, datetime
from typing import Any

from service.admin import audience
from service.admin.audit import AuditFilter, list_entries
from service.admin.inspection.finding import Inspection, What, Why
from service.issuer import Issuer
from service.records.audit_entry import Result

_ENTRIES_READ = 200
"""The limit of the page of the audit log; ten times as many of its newest entries are read."""
_ACCESS_TOKENS = (What.ACCESS_TOKEN, What.JWT_ACCESS_TOKEN, What.STATELESS_ACCESS_TOKEN)
_OVER = (Why.GRANT_ENDED, Why.ENDED)


async def explain(issuer: Issuer, found: Inspection) -> dict[str, Any]:
    """Return ``accepted_by`` for a valid access token, ``ended_by`` for one whose end is in the audit log, otherwise nothing.

    Raises TemporarilyUnavailable.
    """
    if found.active and found.what in _ACCESS_TOKENS:
        return {"accepted_by": audience.accepted_by(issuer, found.client_id, found.audience)}
    if found.grant_id and any(why in _OVER for why in found.why):
        return await _ended_by(issuer, found.grant_id)
    return {}


async def _ended_by(issuer: Issuer, grant_id: str) -> dict[str, Any]:
    """Return the acts of operators on this very grant; ends by user, client or session are in the log under their names."""
    page = await list_entries(issuer, AuditFilter(target=f"grant:{grant_id}"), "", _ENTRIES_READ)
    for placed in page.rows:
        entry = placed.entry
        if entry.result is Result.OK:
            when = datetime.fromtimestamp(entry.at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            return {"ended_by": f"{entry.action} by {entry.actor} ({entry.way}) at {when}"}
    return {}
