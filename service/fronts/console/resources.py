"""The pages of registered resources: the list, the form, and their deletion."""

from collections.abc import Mapping
from typing import Any

from service.admin.errors import AdminError, Outdated
from service.admin.operations import OperationResult, resources
from service.fronts.console.confirmation import Act, Question, confirmed
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Go, Show, faults_of, link
from service.protocol.names import AccessTokenFormat, SigningAlgorithm
from service.protocol.whole_numbers import whole_number

_BY_DEFAULT = {"": "as the client or the settings say"}
_FIELDS: tuple[Mapping[str, Any], ...] = (
    {"name": "name", "kind": "text", "label": "Name", "hint": "What people call it."},
    {
        "name": "scopes",
        "kind": "text",
        "label": "Scopes",
        "hint": "With blanks between: what clients that registered themselves may ask for; a client of yours has its own.",
    },
    {
        "name": "access_token_format",
        "kind": "choice",
        "label": "Access token format",
        "hint": "Where the client has none of its own.",
        "choices": _BY_DEFAULT | {one.value: one.value for one in AccessTokenFormat},
    },
    {
        "name": "access_token_signing_alg",
        "kind": "choice",
        "label": "Access tokens signed with",
        "hint": "Of JWTs.",
        "choices": {"": "RS256"} | {one.value: one.value for one in SigningAlgorithm},
    },
    {
        "name": "access_token_lifetime",
        "kind": "number",
        "label": "Access tokens, at most",
        "hint": "Lifetime in seconds, where the client has no shorter one.",
    },
    {
        "name": "self_registered",
        "kind": "check",
        "label": "Open to clients that registered themselves",
        "hint": "They may ask for tokens for it, with its scopes; users still have to consent.",
    },
)
_NAMES = tuple(one["name"] for one in _FIELDS)
_ID = "id"
"""The parameter with the identifier in forms and queries, as ``resource`` is parsed as the repeatable one of OAuth."""
_DELETE = Act(
    "Delete the resource {name}?",
    "Clients that registered themselves get no tokens for it any more. Tokens that are out stay until they end.",
    "Delete resource",
    resources.DELETE,
)


async def show_list(request: ConsoleRequest) -> ConsoleReply:
    """Show all resources."""
    listed = (await request.do(resources.LIST))["resources"]
    return Show("resources", {"here": "resources", "resources": listed, "done": request.outcome.get("done", "")})


async def show_new(_: ConsoleRequest) -> ConsoleReply:
    """Show the form for a new resource."""
    return Show("resource_edit", _form({}, {}))


async def create(request: ConsoleRequest) -> ConsoleReply:
    """Register the resource; or show the form again with its faults."""
    sent = {name: request.get(name) for name in (_ID, *_NAMES)}
    try:
        await request.do(resources.CREATE, resource=sent[_ID], **_members(sent))
    except AdminError as error:
        faults = faults_of(error, ("resource", *_NAMES))
        return Show("resource_edit", _form(sent, faults), 422)
    return Go(link("/resources"), {"done": "created"})


async def show_form(request: ConsoleRequest) -> ConsoleReply:
    """Show the form of a resource."""
    shown = await request.perform(resources.SHOW, resource=request.named(_ID))
    return Show("resource_edit", _form(_written(shown.body), {}, shown.body["resource"], shown.etag))


async def change(request: ConsoleRequest) -> ConsoleReply:
    """Save the form, if no other operator changed the resource meanwhile; else show it again with its faults."""
    resource = (await request.do(resources.SHOW, resource=request.named(_ID)))["resource"]
    sent, seen = {name: request.get(name) for name in _NAMES}, request.get("version")
    try:
        await request.do(resources.UPDATE, resource=resource, if_match=seen, **_members(sent))
    except Outdated:
        return _conflict(sent, await request.perform(resources.SHOW, resource=resource))
    except AdminError as error:
        return Show("resource_edit", _form(sent, faults_of(error, _NAMES), resource, seen), 422)
    return Go(link("/resources"), {"done": "saved"})


def _conflict(sent: Mapping[str, str], now: OperationResult) -> ConsoleReply:
    """Show the form again as it was sent, with the members that differ from the resource's present ones."""
    held = _members(_written(now.body))
    differing = [one["label"] for one in _FIELDS if _members(sent)[one["name"]] != held[one["name"]]]
    return Show("resource_edit", _form(sent, {}, now.body["resource"], now.etag) | {"conflict": differing}, 409)


def _written(resource: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of the form for a resource."""
    texts = {name: str(resource[name] or "") for name in _NAMES}
    return texts | {
        "scopes": " ".join(resource["scopes"]),
        "self_registered": "1" if resource["self_registered"] else "",
    }


def _members(sent: Mapping[str, str]) -> dict[str, Any]:
    lifetime = sent["access_token_lifetime"]
    number = whole_number(lifetime)
    return {
        "name": sent["name"],
        "scopes": sent["scopes"].split(),
        "access_token_format": sent["access_token_format"] or None,
        "access_token_signing_alg": sent["access_token_signing_alg"] or None,
        "access_token_lifetime": lifetime or None if number is None else number,
        "self_registered": sent["self_registered"] == "1",
    }


def _form(
    values: Mapping[str, Any], faults: Mapping[str, str], resource: str = "", version: str = ""
) -> dict[str, Any]:
    """Return the values of the form; ``resource`` is the changed one as in ``version``, "" for a new one."""
    own = {"resource": resource, "version": version, "conflict": None}
    return {"here": "resources", "fields": _FIELDS, "values": values, "faults": faults, **own}


async def _question(request: ConsoleRequest) -> Question:
    name = (await request.do(resources.SHOW, resource=request.named(_ID)))["resource"]
    return Question(_DELETE, "resources", name, {_ID: name}, link("/resources"))


async def _delete(request: ConsoleRequest, question: Question) -> Go:
    await request.do(resources.DELETE, resource=question.name)
    return Go(link("/resources"), {"done": "deleted"})


PAGES = (
    ConsolePage("/resources", get=show_list),
    ConsolePage("/resources/new", get=show_new, post=create),
    ConsolePage("/resources/edit", get=show_form, post=change),
    confirmed("/resources/delete", _question, _delete),
)
