"""The pages of the audit log and of recent refused requests, with filters."""

from service.admin.errors import InvalidInput
from service.admin.operations import AnyOperation, audit, refusals
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Show
from service.fronts.console.searching import SHOWN

PERIODS = {"": "Any time", "3600": "Last hour", "86400": "Last day", "604800": "Last week"}


async def show_audit(request: ConsoleRequest) -> ConsoleReply:
    """Show the newest entries of the audit log that match."""
    wanted = {name: request.get(name) for name in ("actor", "action", "target")}
    return await _newest(request, audit.LIST, "entries", wanted, here="audit", actions=audit.KNOWN_GROUPS)


async def show_refused(request: ConsoleRequest) -> ConsoleReply:
    """Show the newest refused requests that match, each with its remedy."""
    wanted = {"client_id": request.get("client"), "error": request.get("error"), "reason": request.get("reason")}
    return await _newest(request, refusals.LIST, "refused", wanted, here="refused", errors=refusals.KNOWN_ERRORS)


async def _newest(
    request: ConsoleRequest, operation: AnyOperation, member: str, wanted: dict[str, str], *, here: str, **more: object
) -> ConsoleReply:
    period = request.get("period") if request.get("period") in PERIODS else ""
    since = int(request.issuer.clock()) - int(period) if period else 0
    fault, page = "", {member: (), "cursor": ""}
    try:
        page = dict(await request.do(operation, **wanted, since=since, cursor=request.get("cursor"), limit=SHOWN))
    except InvalidInput as error:
        if not str(error).startswith(tuple(f"{name}: " for name in wanted)):
            raise
        fault = str(error)
    values = {
        "here": here,
        **page,
        "fault": fault,
        "first": not request.get("cursor"),
        "wanted": wanted,
        "period": period,
        "periods": PERIODS,
        "filtered": bool(since) or any(wanted.values()),
        **more,
    }
    return Show(here, values, 422 if fault else 200)


PAGES = (ConsolePage("/audit", get=show_audit), ConsolePage("/refused", get=show_refused))
