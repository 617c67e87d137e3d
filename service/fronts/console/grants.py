"""The pages of grants: those of a client, and one with its live credentials."""

from service.admin.operations import clients, grants, tokens, users
from service.fronts.console.confirmation import Act, Question, confirmed
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Go, Show, link
from service.fronts.console.searching import SCANNED, scan

_REVOKE = Act(
    "Revoke this grant of {name}?",
    "The grant and everything that it issued end at once and for good.",
    "Revoke grant",
    grants.REVOKE,
)


async def show_of_client(request: ConsoleRequest) -> ConsoleReply:
    """Show some of a client's grants."""
    client = await request.do(clients.SHOW, client_id=request.named("client"))
    found, cursor = await scan(request, grants.LIST, "grants", client=client["client_id"], limit=SCANNED)
    values = {"here": "clients", "client": client, "grants": found, "cursor": cursor}
    return Show("grants", values | {"first": not request.get("cursor")})


async def show(request: ConsoleRequest) -> ConsoleReply:
    """Show a grant with its user, client, scopes and live credentials."""
    grant = await request.do(grants.SHOW, grant_id=request.named("id"))
    issued, cursor = await scan(request, tokens.LIST_ISSUED, "issued", grant_id=grant["grant_id"])
    issued.sort(key=lambda one: one["used"])
    return Show("grant", {"here": "clients", "grant": grant, "issued": issued, "cursor": cursor})


async def _question(request: ConsoleRequest) -> Question:
    grant = await request.do(grants.SHOW, grant_id=request.named("id"))
    grant_id, whose = grant["grant_id"], grant["username"] or grant["client_id"]
    return Question(_REVOKE, "clients", whose, {"id": grant_id}, link("/grant", id=grant_id))


async def _revoke(request: ConsoleRequest, _: Question) -> Go:
    """End the grant, and return to the page of its user or client."""
    grant = await request.do(grants.SHOW, grant_id=request.named("id"))
    await request.do(grants.REVOKE, grant_id=grant["grant_id"])
    if grant["subject"] and await request.find(users.SHOW, username=grant["subject"]) is not None:
        return Go(link("/user", name=grant["subject"], done="revoked"))
    return Go(link("/client", id=grant["client_id"], done="grant-revoked"))


PAGES = (
    ConsolePage("/grants", get=show_of_client),
    ConsolePage("/grant", get=show),
    confirmed("/grant/revoke", _question, _revoke),
)
