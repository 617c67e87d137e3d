"""The pages of trusted issuers: the list, the form, and their removal."""

from typing import Any

import orjson

from service.admin.errors import AdminError, InvalidInput
from service.admin.operations import trusts
from service.fronts.console.confirmation import Act, Question, confirmed
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Go, Show, faults_of, link
from service.fronts.console.searching import LIMITS

_TEXTS = (
    *("issuer", "jwks_uri", "jwks", "algorithms", "subjects", "scopes", "clients", "audience", "uses"),
    *("subject_claim", "subject_prefix", "reusable"),
)
_WORDS = ("algorithms", "subjects", "scopes", "clients", "uses")
_REMOVE = Act(
    "Trust {name} no more?",
    "Its assertions are refused from now on. Tokens that were issued for them stay until they end or are revoked.",
    "Remove",
    trusts.REMOVE,
)


async def show_list(request: ConsoleRequest) -> ConsoleReply:
    """Show all trusted issuers on one page, as few services have many."""
    page = await request.do(trusts.LIST, cursor=request.get("cursor"), limit=max(LIMITS))
    values = {
        "here": "trusts",
        "trusts": sorted(page["trusts"], key=lambda one: str(one["issuer"])),
        "cursor": page["cursor"],
        "first": not request.get("cursor"),
        "done": request.outcome.get("done", ""),
        "hints": request.outcome.get("hints", "").splitlines(),
    }
    return Show("trusts", values)


async def show_new(_: ConsoleRequest) -> ConsoleReply:
    """Show the form for a new trusted issuer."""
    return Show("trust_new", _form({}, {}))


async def add(request: ConsoleRequest) -> ConsoleReply:
    """Add the trusted issuer; or show the form again with its faults."""
    sent = {name: request.get(name) for name in _TEXTS}
    try:
        given: dict[str, Any] = {name: sent[name] or None for name in ("jwks_uri", "audience")}
        given |= {name: words for name in _WORDS if (words := sent[name].split())}
        given |= {"issuer": sent["issuer"], "jwks": _jwks(sent["jwks"]), "subject_prefix": sent["subject_prefix"]}
        given |= {"subject_claim": sent["subject_claim"]} if sent["subject_claim"] else {}
        given |= {"reusable": bool(sent["reusable"])}
        if await request.find(trusts.SHOW, issuer=sent["issuer"]):
            raise InvalidInput("issuer: is trusted already; remove it first to describe it anew")
        added = await request.do(trusts.PUT, **given)
    except AdminError as error:
        return Show("trust_new", _form(sent, faults_of(error, _TEXTS)), 422)
    return Go(link("/trusts"), {"done": "added", "hints": "\n".join(added.get("hints", ()))})


def _jwks(text: str) -> object:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except ValueError as error:
        raise InvalidInput("jwks: is not JSON") from error


def _form(values: dict[str, str], faults: dict[str, str]) -> dict[str, Any]:
    return {"here": "trusts", "values": values, "faults": faults}


async def _question(request: ConsoleRequest) -> Question:
    name = (await request.do(trusts.SHOW, issuer=request.named("issuer")))["issuer"]
    return Question(_REMOVE, "trusts", name, {"issuer": name}, link("/trusts"))


async def _remove(request: ConsoleRequest, question: Question) -> Go:
    await request.do(trusts.REMOVE, issuer=question.name)
    return Go(link("/trusts"), {"done": "removed"})


PAGES = (
    ConsolePage("/trusts", get=show_list),
    ConsolePage("/trusts/new", get=show_new, post=add),
    confirmed("/trusts/remove", _question, _remove),
)
