"""Grants: of a client, and one with what is alive in it."""

from typing import Any

from service.admin import clients, grants, issued
from service.fronts.console.pages import ConsolePage, ConsoleRequest, Go, Reply, Show, link

_SHOWN, _CALLS, _LOOKED_AT = 50, 10, 500


async def show_of_client(request: ConsoleRequest) -> Reply:
    """Some of a client's grants: the keys are walked, a bounded part of them at a time."""
    client = await clients.get_client(request.issuer, request.get("client"))
    found, cursor = list[grants.KnownGrant](), request.get("cursor")
    for _ in range(_CALLS):
        page = await grants.list_of_client(request.issuer, client.client_id, cursor, _LOOKED_AT)
        found, cursor = found + page.grants, page.cursor
        if not cursor or len(found) >= _SHOWN:
            break
    values = {
        "here": "clients",
        "client": client,
        "grants": found,
        "cursor": cursor,
        "first": not request.get("cursor"),
    }
    return Show("grants", values)


async def show(request: ConsoleRequest) -> Reply:
    """Who allowed whom what, and which credentials live."""
    known = await grants.get_grant(request.issuer, request.get("id").strip())
    page = await issued.list_issued(request.issuer, known.grant_id, request.get("cursor"))
    return Show("grant", _values(known, page))


def _values(known: grants.KnownGrant, page: issued.IssuedPage) -> dict[str, Any]:
    return {
        "here": "clients",
        "known": known,
        "grant": known.grant,
        "issued": [issued.describe(one) for one in page.issued],
        "cursor": page.cursor,
    }


async def ask(request: ConsoleRequest) -> Reply:
    """Is that really wanted?"""
    known = await grants.get_grant(request.issuer, request.get("id"))
    whose = known.grant.name or known.grant.client_id
    values = {
        "here": "clients",
        "title": f"Revoke this grant of {whose}?",
        "text": "The grant and everything that it issued end at once and for good.",
        "button": "Revoke grant",
        "danger": True,
        "action": "/grant/revoke",
        "fields": {"id": known.grant_id},
        "back": link("/grant", id=known.grant_id),
        "typed": "",
        "fault": "",
    }
    return Show("confirm", values)


async def revoke(request: ConsoleRequest) -> Reply:
    """Do it, and go back to whose it was."""
    known = await grants.get_grant(request.issuer, request.get("id"))
    await grants.revoke_grant(request.issuer, known.grant_id)
    if known.grant.subject and await request.issuer.store.users.get_by_subject(known.grant.subject) is not None:
        return Go(link("/user", name=known.grant.subject, done="revoked"))
    return Go(link("/client", id=known.grant.client_id, done="grant-revoked"))


PAGES = (
    ConsolePage("/grants", get=show_of_client),
    ConsolePage("/grant", get=show),
    ConsolePage("/grant/revoke", get=ask, post=revoke),
)
