"""Calls to register, list, change and lock clients, and for their secrets and requestable scopes."""

from collections.abc import Mapping
from typing import Any, ClassVar

from service.admin import client_ending, clients
from service.admin.client_input import ClientInput
from service.admin.client_numbers import new_client_id
from service.admin.errors import AlreadyExists
from service.fronts.decision_api import client_json
from service.fronts.decision_api.body import Text, Words
from service.fronts.decision_api.call import NO_CONTENT, Body, Call, CallResult, Route
from service.fronts.decision_api.client_json import ClientBody, ClientObject
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.windows import Window, WindowBody, read_window
from service.records.client import Client

_TRIES = 3
_PAGE = 200


class ClientListBody(WindowBody):
    """The requested part of the list."""

    developer: Text = ""
    """A filter that matches no client, as clients have no developer here."""


class SecretBody(Body):
    """The new secret of the client."""

    client_secret: Text
    CORE_NAMES: ClassVar[Mapping[str, str]] = {"secret": "clientSecret"}


class LockBody(Body):
    """Whether the client is locked."""

    client_locked: bool


class ScopesBody(Body):
    """The scopes that the client may request."""

    requestable_scopes: Words | None = None
    CORE_NAMES: ClassVar[Mapping[str, str]] = {"scopes": "requestableScopes"}


async def create(call: Call, body: ClientObject) -> CallResult:
    """Register a client; its client_id is a number that we choose. Only this answer has its ``clientSecret`` in clear."""
    issuer = call.issuer
    changes = client_json.changes_of(issuer, body, None)
    for attempt in range(_TRIES):
        given = ClientInput.read({**changes, "client_id": new_client_id(issuer.randomness)})
        try:
            made = await clients.create_client(issuer, given, body.client_secret or None)
        except AlreadyExists:
            if body.client_id_alias or attempt == _TRIES - 1:
                raise
            continue
        break
    secret = made.secret or body.client_secret or None
    described = await client_json.describe(issuer, made.client) | {"clientSecret": secret}
    return CallResult(ResultCode.CLIENT_CREATED, described, status=201, facts={"client_id": made.client.client_id})


async def get(call: Call, _: Body) -> CallResult:
    """Return one client."""
    return CallResult(members=await client_json.describe(call.issuer, await call.client()))


async def get_list(call: Call, body: ClientListBody) -> CallResult:
    """Return clients, in an order without meaning."""

    async def page_at(cursor: str) -> tuple[list[Client], str]:
        page = await clients.list_clients(call.issuer, cursor, _PAGE)
        return page.rows, page.cursor

    window = Window((), 0, "") if body.developer else await read_window(page_at, body)
    described = [await client_json.describe(call.issuer, client) for client in window.items]
    members = window.members(body) | {"developer": body.developer or None, "clients": described}
    return CallResult(members=members, detail=window.detail)


async def update(call: Call, body: ClientObject) -> CallResult:
    """Replace the members of the client; secrets, lock and tokens stay."""
    held = await call.client()
    changed = await clients.update_client(call.issuer, held.client_id, client_json.changes_of(call.issuer, body, held))
    return _updated(changed, await client_json.describe(call.issuer, changed))


async def delete(call: Call, _: Body) -> CallResult:
    """Delete a client, with everything that it was issued."""
    await client_ending.delete_client(call.issuer, (await call.client()).client_id)
    return NO_CONTENT


async def refresh_secret(call: Call, _: Body) -> CallResult:
    """Give the client a new secret. The old one ends at once, and is not returned, as only its hash is stored."""
    made = await clients.rotate_secret(call.issuer, (await call.client()).client_id)
    return _updated(made.client, {"newClientSecret": made.secret})


async def update_secret(call: Call, body: SecretBody) -> CallResult:
    """Give the client this secret; the old one ends at once."""
    made = await clients.rotate_secret(call.issuer, (await call.client()).client_id, secret=body.client_secret)
    return _updated(made.client, {"newClientSecret": body.client_secret})


async def update_lock(call: Call, body: LockBody) -> CallResult:
    """Lock the client and everything that it was issued, or unlock it."""
    act = client_ending.disable_client if body.client_locked else client_ending.enable_client
    client = await act(call.issuer, (await call.client()).client_id)
    return _updated(client, {"clientLocked": not client.enabled})


async def get_scopes(call: Call, _: Body) -> CallResult:
    """Return the scopes that the client may request."""
    return _scopes(await call.client())


async def update_scopes(call: Call, body: ScopesBody) -> CallResult:
    """Set the scopes that the client may request; without a list, those that the service offers for registration."""
    scopes = body.requestable_scopes
    return await _set_scopes(call, client_json.requestable(call.issuer) if scopes is None else scopes)


async def delete_scopes(call: Call, _: Body) -> CallResult:
    """Let the client request the scopes that the service offers for registration."""
    await _set_scopes(call, client_json.requestable(call.issuer))
    return NO_CONTENT


async def _set_scopes(call: Call, scopes: tuple[str, ...]) -> CallResult:
    client_id = (await call.client()).client_id
    return _scopes(await clients.update_client(call.issuer, client_id, {"scopes": scopes}))


def _updated(client: Client, members: Mapping[str, Any]) -> CallResult:
    return CallResult(ResultCode.CLIENT_UPDATED, members, facts={"client_id": client.client_id})


def _scopes(client: Client) -> CallResult:
    return CallResult(members={"requestableScopes": list(client.scopes)})


_REQUESTABLE = "/client/extension/requestable_scopes"
ROUTES = (
    Route("/client/create", create, ClientBody),
    Route("/client/get/list", get_list, ClientListBody, ("GET",)),
    Route("/client/get/{client}", get, methods=("GET",)),
    Route("/client/update/{client}", update, ClientBody),
    Route("/client/delete/{client}", delete, methods=("DELETE",)),
    Route("/client/secret/refresh/{client}", refresh_secret, methods=("GET",), head=False),
    Route("/client/secret/update/{client}", update_secret, SecretBody),
    Route("/client/lock_flag/update/{client}", update_lock, LockBody),
    Route(f"{_REQUESTABLE}/get/{{client}}", get_scopes, methods=("GET",)),
    Route(f"{_REQUESTABLE}/update/{{client}}", update_scopes, ScopesBody, ("POST", "PUT")),
    Route(f"{_REQUESTABLE}/delete/{{client}}", delete_scopes, methods=("DELETE",)),
)
