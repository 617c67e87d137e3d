"""What an operator wants to know about an inspected token besides its contents: who takes it, and who ended it."""

from datetime import UTC, datetime
from typing import Any

from service.admin import audience
from service.admin.audit import AuditFilter, list_entries
from service.admin.inspection.finding import Inspection, What, Why
from service.issuer import Issuer
from service.records.audit_entry import Result

_ENTRIES_READ = 200
"""A tenth of the entries of the audit log that are looked at, the newest ones."""
_ACCESS_TOKENS = (What.ACCESS_TOKEN, What.JWT_ACCESS_TOKEN, What.STATELESS_ACCESS_TOKEN)
_OVER = (Why.GRANT_ENDED, Why.ENDED)


async def explain(issuer: Issuer, found: Inspection) -> dict[str, Any]:
    """``accepted_by`` of an access token that is good, ``ended_by`` of one whose end is in the audit log: texts; else nothing.

    Raises TemporarilyUnavailable.
    """
    if found.active and found.what in _ACCESS_TOKENS:
        return {"accepted_by": audience.accepted_by(issuer, found.client_id, found.audience)}
    if found.grant_id and any(why in _OVER for why in found.why):
        return await _ended_by(issuer, found.grant_id)
    return {}


async def _ended_by(issuer: Issuer, grant_id: str) -> dict[str, Any]:
    """What operators did to this very grant; what ended with its user, client or session is in the log under their names."""
    page = await list_entries(issuer, AuditFilter(target=f"grant:{grant_id}"), "", _ENTRIES_READ)
    for placed in page.rows:
        entry = placed.entry
        if entry.result is Result.OK:
            when = datetime.fromtimestamp(entry.at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            return {"ended_by": f"{entry.action} by {entry.actor} ({entry.way}) at {when}"}
    return {}
