"""Clients: found, shown, changed, given new secrets, disabled, revoked, deleted."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from service.admin import AdminError, NotFound, Outdated, Refused, approval, clients
from service.admin.etags import etag
from service.fronts.console import client_fields as fields
from service.fronts.console import readable
from service.fronts.console.pages import ConsolePage, ConsoleRequest, Go, Reply, Show, addresses, link
from service.issuer import Issuer
from service.records.client import Client

SHOWN = 50
"""Clients on a page of the list."""
_CALLS, _LOOKED_AT = 10, 500
"""A page of the list looks at some 10 × 10 × 500 keys at most."""


# finding them


async def show_list(request: ConsoleRequest) -> Reply:
    """Those whose id or name holds the words that are sought."""
    wanted, cursor = request.get("q").strip(), request.get("cursor")
    exact = await _named(request.issuer, wanted) if wanted and not cursor else None
    found, cursor = await _search(request.issuer, wanted.lower(), cursor)
    rest = sorted((one for one in found if exact is None or one.client_id != exact.client_id), key=_by_id)
    values = {
        "here": "clients",
        "clients": [*([exact] if exact else []), *rest],
        "wanted": wanted,
        "cursor": cursor,
        "first": not request.get("cursor"),
        "done": request.get("done"),
        "about": request.get("about"),
    }
    return Show("clients", values)


async def _named(issuer: Issuer, name: str) -> Client | None:
    try:
        return await clients.get_client(issuer, name)
    except NotFound:
        return None


async def _search(issuer: Issuer, wanted: str, cursor: str) -> tuple[list[Client], str]:
    """Bounded: where it stops short there is a cursor."""
    found: list[Client] = []
    for _ in range(_CALLS):
        page = await clients.list_clients(issuer, cursor, _LOOKED_AT)
        found += [one for one in page.clients if wanted in one.client_id.lower() or wanted in one.name.lower()]
        cursor = page.cursor
        if not cursor or len(found) >= SHOWN:
            break
    return found, cursor


def _by_id(client: Client) -> str:
    return client.client_id


# one of them


async def show(request: ConsoleRequest) -> Reply:
    """Everything about it, and what can be done."""
    client = await clients.get_client(request.issuer, request.get("id"))
    return Show("client", _values(client, done=request.get("done")))


def _values(client: Client, *, done: str = "") -> dict[str, Any]:
    return {
        "here": "clients",
        "client": client,
        "described": clients.describe(client),
        "grant_texts": fields.GRANT_TEXTS,
        "done": done,
    }


# changing it

_EDITED = tuple(name for name in fields.FIELDS)


async def show_form(request: ConsoleRequest) -> Reply:
    """Its members, to be changed."""
    client = await clients.get_client(request.issuer, request.get("id"))
    return Show("client_edit", _form(client, etag(client), fields.written(clients.describe(client), _EDITED)))


async def change(request: ConsoleRequest) -> Reply:
    """What was sent, if nobody else was first; else the form again, with what is wrong."""
    client = await clients.get_client(request.issuer, request.get("id"))
    seen = request.get("version")
    try:
        changes = fields.changes(clients.describe(client), request.parameters, _EDITED)
        if seen != etag(client):
            raise Outdated("it was changed meanwhile")
        if changes:
            await clients.update_client(request.issuer, client.client_id, changes, if_match=seen)
    except Outdated:
        return _conflict(request, await clients.get_client(request.issuer, client.client_id))
    except AdminError as error:
        shown = fields.sent(request.parameters, _EDITED)
        return Show("client_edit", _form(client, seen, shown, faults=fields.faults_of(error)), 422)
    return Go(link("/client", id=client.client_id, done="saved"))


def _conflict(request: ConsoleRequest, now: Client) -> Reply:
    """What is in the form stays; which members others changed meanwhile, or this operator would, is told one by one."""
    sent = fields.sent(request.parameters, _EDITED)
    differing = fields.differing(clients.describe(now), request.parameters, _EDITED)
    return Show(
        "client_edit", _form(now, etag(now), sent, conflict=[fields.FIELDS[name].label for name in differing]), 409
    )


def _form(
    client: Client,
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
        "auth_texts": {method.value: text for method, text in fields.AUTH_METHODS.items()},
    }


# acts


class Act(NamedTuple):
    """Something done to a client after a question. ``typed``: its id must be typed to confirm."""

    title: str
    text: str
    button: str
    run: Callable[[Issuer, str], Awaitable[Any]]
    done: str
    danger: bool = True
    typed: bool = False


ACTS = {
    "disable": Act(
        "Disable {name}?",
        "From now on the client is refused, and so is everything that it was issued, until it is enabled again.",
        "Disable",
        clients.disable_client,
        "disabled",
    ),
    "enable": Act(
        "Enable {name}?",
        "The client may ask for tokens again, and what it was issued and has not expired counts again.",
        "Enable",
        clients.enable_client,
        "enabled",
        danger=False,
    ),
    "revoke": Act(
        "Revoke everything issued to {name}?",
        "Every token and grant of the client ends at once and for good. It may ask for new ones; people sign in again.",
        "Revoke everything",
        clients.revoke_client,
        "revoked",
    ),
    "approve": Act(
        "Approve {name}?",
        "You have checked its name, its links and where it leads: the pages no longer say that it is unchecked. "
        "It holds until the client changes anything of itself.",
        "Approve",
        approval.approve_client,
        "approved",
        danger=False,
    ),
    "withdraw-approval": Act(
        "Withdraw the approval of {name}?",
        "The pages say again that the client is unchecked, and show where an error leads before it is redirected.",
        "Withdraw",
        approval.withdraw_approval,
        "withdrawn",
    ),
    "drop-old-secret": Act(
        "End the old secret of {name}?",
        "Whoever still uses the secret from before the rotation is refused from now on.",
        "End old secret",
        clients.drop_old_secret,
        "dropped",
    ),
    "delete": Act(
        "Delete {name}?",
        "The client and everything issued to it end at once. This cannot be undone; a new client of the same name starts anew.",
        "Delete client",
        clients.delete_client,
        "deleted",
        typed=True,
    ),
}


async def ask(request: ConsoleRequest) -> Reply:
    """Is that really wanted?"""
    client = await clients.get_client(request.issuer, request.get("id"))
    return Show("confirm", _question(client, request.get("act")))


async def act(request: ConsoleRequest) -> Reply:
    """Do it."""
    client = await clients.get_client(request.issuer, request.get("id"))
    name = request.get("act")
    wanted = _act(name)
    if name == "approve" and request.get("version") != etag(client):
        return Show("confirm", _question(client, name) | {"fault": "It was changed meanwhile: look at it again."}, 409)
    if wanted.typed and request.get("typed").strip() != client.client_id:
        return Show("confirm", _question(client, name) | {"fault": f"Type {client.client_id} to confirm."}, 422)
    await wanted.run(request.issuer, client.client_id)
    if name == "delete":
        return Go(link("/clients", done="deleted", about=client.client_id))
    return Go(link("/client", id=client.client_id, done=wanted.done))


def _act(name: str) -> Act:
    if name not in ACTS:
        raise NotFound("there is no such act")
    return ACTS[name]


def _question(client: Client, name: str) -> dict[str, Any]:
    wanted = _act(name)
    return {
        "here": "clients",
        "title": wanted.title.format(name=readable.called(client)),
        "text": wanted.text,
        "button": wanted.button,
        "danger": wanted.danger,
        "action": "/client/act",
        "fields": {"id": client.client_id, "act": name} | ({"version": etag(client)} if name == "approve" else {}),
        "back": link("/client", id=client.client_id),
        "typed": client.client_id if wanted.typed else "",
        "fault": "",
    }


# secrets


async def ask_rotation(request: ConsoleRequest) -> Reply:
    """Whether the old secret is to stay valid for a while."""
    client = await clients.get_client(request.issuer, request.get("id"))
    if not client.auth_method.has_secret:
        raise Refused(f"{client.client_id} has no secret: it authenticates by {client.auth_method}")
    return Show("rotate", {"here": "clients", "client": client})


async def rotate(request: ConsoleRequest) -> Reply:
    """The new secret, shown once."""
    keeps = request.get("keep") == "old"
    new = await clients.rotate_secret(request.issuer, request.get("id"), keep_old=keeps)
    values = {"here": "clients", "client": new.client, "secret": new.secret, "created": False, "kept": keeps}
    return Show("secret", values | addresses(request.issuer))


PAGES = (
    ConsolePage("/clients", get=show_list),
    ConsolePage("/client", get=show),
    ConsolePage("/client/edit", get=show_form, post=change),
    ConsolePage("/client/act", get=ask, post=act),
    ConsolePage("/client/rotate", get=ask_rotation, post=rotate),
)
