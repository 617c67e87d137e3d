"""The pages of grants: those of a client, and one with its live credentials."""

import asyncio
from collections.abc import Mapping

from service.admin.operations import clients, grants, tokens, users
from service.fronts.console.confirmation import Act, Question, confirmed
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Go, Show, link
from service.fronts.console.searching import scan

_REVOKE = Act(
    "Revoke this grant of {name}?",
    "The grant and everything that it issued end at once and for good.",
    "Revoke grant",
    grants.REVOKE,
)


async def show_of_client(request: ConsoleRequest) -> ConsoleReply:
    """Show some of a client's grants."""
    client = await request.do(clients.SHOW, client_id=request.named("client"))
    found, cursor = await scan(request, grants.LIST, "grants", client=client["client_id"])
    users = await usernames_of(request, {grant["subject"]: grant["username"] for grant in found})
    values = {"here": "clients", "client": client, "grants": found, "cursor": cursor, "users": users}
    return Show("grants", values | {"first": not request.get("cursor")})


async def show(request: ConsoleRequest) -> ConsoleReply:
    """Show a grant with its user, client, scopes and live credentials."""
    grant = await request.do(grants.SHOW, grant_id=request.named("id"))
    issued, cursor = await scan(request, tokens.LIST_ISSUED, "issued", limits=(None,) * 10, grant_id=grant["grant_id"])
    issued.sort(key=lambda one: one["used"])
    users = await usernames_of(request, {grant["subject"]: grant["username"]})
    return Show("grant", {"here": "clients", "grant": grant, "issued": issued, "cursor": cursor, "users": users})


async def _question(request: ConsoleRequest) -> Question:
    grant = await request.do(grants.SHOW, grant_id=request.named("id"))
    grant_id, whose = grant["grant_id"], grant["username"] or grant["client_id"]
    return Question(_REVOKE, "clients", whose, {"id": grant_id}, link("/grant", id=grant_id))


async def _revoke(request: ConsoleRequest, _: Question) -> Go:
    """End the grant, and return to the page of its user or client."""
    grant = await request.do(grants.SHOW, grant_id=request.named("id"))
    await request.do(grants.REVOKE, grant_id=grant["grant_id"])
    if username := (await usernames_of(request, {grant["subject"]: grant["username"]})).get(grant["subject"]):
        return Go(link("/user", name=username), {"done": "revoked"})
    return Go(link("/client", id=grant["client_id"]), {"done": "grant-revoked"})


async def usernames_of(request: ConsoleRequest, called: Mapping[str, str]) -> dict[str, str]:
    """Return the usernames of those users whose records are here, by their subjects.

    Args:
        request: The request.
        called: The usernames in grants by their subjects; a directory elsewhere, or a backend, may have others than we.
    """

    async def of(subject: str, username: str) -> tuple[str, str]:
        for name in filter(None, dict.fromkeys((username, subject))):
            user = await request.find(users.SHOW, username=name)
            if user is not None and user["subject"] == subject:
                return subject, str(user["username"])
        return subject, ""

    found = await asyncio.gather(*(of(*one) for one in called.items() if one[0]))
    return {subject: username for subject, username in found if username}


PAGES = (
    ConsolePage("/grants", get=show_of_client),
    ConsolePage("/grant", get=show),
    confirmed("/grant/revoke", _question, _revoke),
)
