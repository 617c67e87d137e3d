"""Trusted issuers: listed, added, removed."""

from typing import Any

import orjson

from service.admin import AdminError, Refused, trusts
from service.admin.trusts import TrustInput
from service.fronts.console.pages import ConsolePage, ConsoleRequest, Go, Reply, Show, link

_TEXTS = ("issuer", "jwks_uri", "jwks", "algorithms", "subjects", "scopes", "clients", "audience")
_WORDS = ("algorithms", "subjects", "scopes", "clients")


async def show_list(request: ConsoleRequest) -> Reply:
    """All of them; few services have many."""
    page = await trusts.list_trusts(request.issuer, request.get("cursor"), 500)
    values = {
        "here": "trusts",
        "trusts": sorted(page.trusts, key=lambda one: one.issuer),
        "cursor": page.cursor,
        "first": not request.get("cursor"),
        "done": request.get("done"),
    }
    return Show("trusts", values)


async def show_new(request: ConsoleRequest) -> Reply:
    """The form for a new one."""
    return Show("trust_new", _form({}, {}))


async def add(request: ConsoleRequest) -> Reply:
    """Trust it; or the form again, with what is wrong."""
    sent = {name: request.get(name) for name in _TEXTS}
    try:
        given: dict[str, Any] = {name: tuple(sent[name].split()) for name in _WORDS}
        given |= {name: sent[name].strip() or None for name in ("jwks_uri", "audience")}
        given |= {"issuer": sent["issuer"].strip(), "jwks": _jwks(sent["jwks"])}
        asked = TrustInput.read(given)
        if await request.issuer.store.trusts.get(asked.issuer) is not None:
            raise Refused("issuer: is trusted already; remove it first to say something else of it")
        await trusts.add_trust(request.issuer, asked)
    except AdminError as error:
        return Show("trust_new", _form(sent, _faults(error)), 422)
    return Go(link("/trusts", done="added"))


def _jwks(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return orjson.loads(text)
    except ValueError as error:
        raise Refused("jwks: is not JSON") from error


def _form(values: dict[str, str], faults: dict[str, str]) -> dict[str, Any]:
    return {"here": "trusts", "values": values, "faults": faults}


def _faults(error: Exception) -> dict[str, str]:
    """By the name of the field; "" for all else."""
    faults: dict[str, str] = {}
    for line in str(error).splitlines():
        name, _, text = line.partition(": ")
        name = name.partition(".")[0]
        faults[name if name in _TEXTS else ""] = text if name in _TEXTS else line
    return faults


async def ask(request: ConsoleRequest) -> Reply:
    """Is that really wanted?"""
    trust = await trusts.get_trust(request.issuer, request.get("issuer"))
    values = {
        "here": "trusts",
        "title": f"Trust {trust.issuer} no more?",
        "text": "Its assertions are refused from now on. Tokens that were issued for them stay until they end or are revoked.",
        "button": "Remove",
        "danger": True,
        "action": "/trusts/remove",
        "fields": {"issuer": trust.issuer},
        "back": link("/trusts"),
        "typed": "",
        "fault": "",
    }
    return Show("confirm", values)


async def remove(request: ConsoleRequest) -> Reply:
    """Do it."""
    await trusts.remove_trust(request.issuer, request.get("issuer"))
    return Go(link("/trusts", done="removed"))


PAGES = (
    ConsolePage("/trusts", get=show_list),
    ConsolePage("/trusts/new", get=show_new, post=add),
    ConsolePage("/trusts/remove", get=ask, post=remove),
)
