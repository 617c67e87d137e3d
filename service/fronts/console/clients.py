"""The pages of clients: search, one client, its form and secrets, and acts such as disabling it."""

from collections.abc import Mapping
from typing import Any

from service.admin.errors import AdminError, InvalidInput, Outdated
from service.admin.operations import OperationResult, clients
from service.client_auth import has_secret, names_of_method
from service.fronts.console import client_fields as fields
from service.fronts.console import readable
from service.fronts.console.confirmation import Act, Question, act_of, confirmed
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Go, Show, addresses, link
from service.fronts.console.searching import search

# showing


async def show_list(request: ConsoleRequest) -> ConsoleReply:
    """Show the clients whose id or name contains the searched text."""
    registered = request.get("registered") == "1"
    found = await search(request, clients.LIST, clients.SHOW, "clients", "client_id", "name", registered=registered)
    listed = [client for client in found["clients"] if client["registered_itself"] or not registered]
    return Show("clients", found | {"clients": listed, "registered": "1" if registered else ""})


async def show(request: ConsoleRequest) -> ConsoleReply:
    """Show a client with the acts for it."""
    client = await request.do(clients.SHOW, client_id=request.named("id"))
    values = {
        "here": "clients",
        "client": client,
        "facts": fields.facts_of(client),
        "auth_method": names_of_method(client["auth_method"]),
        "has_secret": has_secret(client["auth_method"]),
        "done": request.outcome.get("done", ""),
    }
    return Show("client", values)


# changing

Values = dict[str, Any]


async def show_form(request: ConsoleRequest) -> ConsoleReply:
    """Show the form of a client."""
    shown = await request.perform(clients.SHOW, client_id=request.named("id"))
    return Show("client_edit", _form(shown.body, shown.etag, fields.written(shown.body)))


async def change(request: ConsoleRequest) -> ConsoleReply:
    """Save the form, if no other operator changed the client meanwhile; else show it again with its faults."""
    shown = await request.perform(clients.SHOW, client_id=request.named("id"))
    client_id, seen = shown.body["client_id"], request.get("version")
    try:
        changes = fields.changes(shown.body, request.parameters, fields.shown(request.parameters))
        if seen != shown.etag:
            raise Outdated("it was changed meanwhile")
        changed = (
            await request.do(clients.UPDATE, client_id=client_id, if_match=seen, **changes) if changes else shown.body
        )
    except Outdated:
        return _conflict(request, await request.perform(clients.SHOW, client_id=client_id))
    except AdminError as error:
        values = _values_of(request, shown.body)
        return Show("client_edit", _form(shown.body, seen, values, faults=fields.faults_of(error)), 422)
    return Go(link("/client", id=client_id), {"done": "saved-and-ended" if changed.get("ended") else "saved"})


def _conflict(request: ConsoleRequest, now: OperationResult) -> ConsoleReply:
    """Show the form again as it was sent, with the members that differ from the client's present ones."""
    differing = fields.differing(now.body, request.parameters, fields.shown(request.parameters))
    labels = [fields.FIELDS[name].label for name in differing]
    return Show("client_edit", _form(now.body, now.etag, _values_of(request, now.body), conflict=labels), 409)


def _values_of(request: ConsoleRequest, client: Mapping[str, Any]) -> Values:
    """Return the values that were sent and, for fields that the form did not have, those of the client."""
    return fields.written(client) | fields.sent(request.parameters, fields.shown(request.parameters))


def _form(
    client: Mapping[str, Any],
    version: str,
    values: Mapping[str, Any],
    *,
    faults: Mapping[str, str] | None = None,
    conflict: list[str] | None = None,
) -> dict[str, Any]:
    return {
        "here": "clients",
        "client": client,
        "version": version,
        "groups": fields.GROUPS,
        "values": values,
        "faults": faults or {},
        "conflict": conflict,
    }


# acts


ACTS = {
    "disable": Act(
        "Disable {name}?",
        "From now on the client is refused, and so is everything that it was issued, until it is enabled again.",
        "Disable",
        clients.DISABLE,
        "disabled",
    ),
    "enable": Act(
        "Enable {name}?",
        "The client may ask for tokens again, and what it was issued and has not expired counts again.",
        "Enable",
        clients.ENABLE,
        "enabled",
    ),
    "revoke": Act(
        "Revoke everything issued to {name}?",
        "Every token and grant of the client ends at once and for good. It may ask for new ones; users sign in again.",
        "Revoke everything",
        clients.REVOKE,
        "revoked",
    ),
    "approve": Act(
        "Approve {name}?",
        "You have checked its name, its links and where it leads: the pages no longer say that it is unchecked. "
        "It holds until the client changes anything of itself.",
        "Approve",
        clients.APPROVE,
        "approved",
    ),
    "withdraw-approval": Act(
        "Withdraw the approval of {name}?",
        "The pages say again that the client is unchecked, and show where an error leads before it is redirected.",
        "Withdraw",
        clients.WITHDRAW_APPROVAL,
        "withdrawn",
    ),
    "drop-old-secret": Act(
        "End the old secret of {name}?",
        "A client that still uses the secret from before the rotation is refused from now on.",
        "End old secret",
        clients.DROP_OLD_SECRET,
        "dropped",
    ),
    "delete": Act(
        "Delete {name}?",
        "The client and everything issued to it end at once. This cannot be undone; a new client of the same name starts anew.",
        "Delete client",
        clients.DELETE,
        "deleted",
        typed=True,
    ),
}


async def _act(request: ConsoleRequest, question: Question) -> Go:
    client_id, act = question.key, question.act
    given = {"if_match": request.get("version")} if act is ACTS["approve"] else {}
    await request.do(act.operation, client_id=client_id, **given)
    if act is ACTS["delete"]:
        return Go(link("/clients"), {"done": "deleted", "about": client_id})
    return Go(link("/client", id=client_id), {"done": act.done})


async def _question(request: ConsoleRequest) -> Question:
    shown = await request.perform(clients.SHOW, client_id=request.named("id"))
    client_id, name = shown.body["client_id"], request.get("act")
    sent = {"id": client_id, "act": name} | ({"version": shown.etag} if name == "approve" else {})
    called, back = readable.called(shown.body), link("/client", id=client_id)
    return Question(act_of(ACTS, name), "clients", called, sent, back, client_id)


# secrets


async def ask_rotation(request: ConsoleRequest) -> ConsoleReply:
    """Ask whether the old secret is to stay valid for some time."""
    client = await request.do(clients.SHOW, client_id=request.named("id"))
    if not has_secret(client["auth_method"]):
        raise InvalidInput(f"{client['client_id']} has no secret: it authenticates by {client['auth_method']}")
    return Show("rotate", {"here": "clients", "client": client})


async def rotate(request: ConsoleRequest) -> ConsoleReply:
    """Make a new secret and show it, once."""
    keeps = request.get("keep") == "old"
    client = await request.do(clients.ROTATE_SECRET, client_id=request.named("id"), keep_old=keeps)
    return Show("secret", secret_page(request, client, kept=keeps))


def secret_page(
    request: ConsoleRequest, client: Mapping[str, Any], *, kept: bool = False, created: bool = False
) -> Values:
    """Return the values of the page with a client's new secret and the URLs that the client needs."""
    return {"here": "clients", "client": client, "created": created, "kept": kept} | addresses(request.issuer)


PAGES = (
    ConsolePage("/clients", get=show_list),
    ConsolePage("/client", get=show),
    ConsolePage("/client/edit", get=show_form, post=change),
    confirmed("/client/act", _question, _act),
    ConsolePage("/client/rotate", get=ask_rotation, post=rotate),
)
