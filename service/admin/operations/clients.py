"""Clients."""

from typing import Annotated, Any, Literal

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from service.admin import approval, client_ending
from service.admin import clients as admin
from service.admin.audience import hints
from service.admin.client_input import ClientInput
from service.admin.etags import etag
from service.admin.input import Input
from service.admin.operations.operation import Name, NextCursor, Operation, OperationResult, Output, PageInput, Seconds
from service.issuer import Issuer
from service.records.client import Client

ImportedSecret = Annotated[
    str | None, Field(max_length=1024, description="To be imported; left out, one of 256 random bits is made.")
]
IfMatch = Annotated[str | None, Field(description="The ETag of what is to be changed; * = whatever it is now.")]


# input


class NewClient(ClientInput):
    """A client, and its secret where one is imported."""

    secret: ImportedSecret = None


class NamedClient(Input):
    """A client by its client_id or alias."""

    client_id: Annotated[Name, Field(description="client_id, or alias.")]


class ListedClients(PageInput):
    """Which clients, and which part of their list."""

    registered: Annotated[bool, Field(description="Only clients that registered themselves (RFC 7591).")] = False


class ApprovedClient(NamedClient):
    """A client as it was when it was looked at."""

    if_match: IfMatch = None


class RotatedSecret(NamedClient):
    """A new secret of a client."""

    secret: ImportedSecret = None
    keep_old: Annotated[
        bool, Field(description="The last secret stays valid until the next rotation, or until it is dropped.")
    ] = False


class SweptClient(NamedClient):
    """Where to go on."""

    cursor: Annotated[str, Field(max_length=100)] = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 500


def _typed(field: FieldInfo) -> Any:
    """The type of a member with its checks."""
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


_MEMBERS: dict[str, Any] = {
    name: (_typed(field), field.default) for name, field in ClientInput.model_fields.items() if name != "client_id"
}
_ADDRESSED: dict[str, Any] = {"client_id": (Name, ...), "if_match": (IfMatch, None)}
ClientChanges: Any = create_model(
    "ClientChanges",
    __base__=Input,
    __doc__="What is to be changed; a list is replaced as a whole.",
    **_ADDRESSED,
    **_MEMBERS,
)
ClientReplacement: Any = create_model(
    "ClientReplacement",
    __base__=Input,
    __doc__="A client as it is to be: what is left out becomes what it is where nothing is said.",
    **_ADDRESSED,
    **_MEMBERS,
)


# output


class ShownSecret(Output):
    """Of a secret, that it is there."""

    kind: Literal["generated", "imported"]
    created_at: Seconds


class _ShownClient(Output):
    enabled: bool
    generation: Annotated[int, Field(description="Raised when all that it holds is ended.")]
    consents_since: Annotated[
        int | None, Field(description="The generation from which consents count; null = generation.")
    ]
    created_at: Seconds
    secrets: tuple[ShownSecret, ...]
    sector_identifier: str
    public: bool
    registered_itself: bool


_SHOWN_MEMBERS: dict[str, Any] = {name: (field.annotation, ...) for name, field in ClientInput.model_fields.items()}
ShownClient: Any = create_model(
    "ShownClient",
    __base__=_ShownClient,
    __doc__="A client with every member, but of secrets only that they are there. ``hints``: what is likely to be missing yet, "
    "in words; left out where nothing is, and in lists. ``approved``: of one that registered itself, whether an operator has "
    "checked it as it is now; left out of others.",
    **_SHOWN_MEMBERS,
    approved=(bool, False),
    hints=(tuple[str, ...], ()),
)


class NewlyShownClient(ShownClient):
    """The one time that a secret is shown: None where it was imported, or there is none."""

    client_secret: str | None


class EndedClient(ShownClient):
    """A client that holds nothing any more."""

    needs_sweep: Annotated[
        bool, Field(description="Its refresh tokens never end by themselves: `sweep` frees what they take in Redis.")
    ]


class ClientList(Output):
    """A page of clients in no order."""

    clients: tuple[ShownClient, ...]
    cursor: NextCursor


class Swept(Output):
    """How many dead grants were freed; call again with the cursor until it is empty."""

    grants: int
    cursor: NextCursor


# what is done


def _answer(client: Client) -> OperationResult:
    return OperationResult(_described(client), etag(client))


def _new(made: admin.NewSecret) -> OperationResult:
    return OperationResult(_described(made.client) | {"client_secret": made.secret}, etag(made.client))


def _described(client: Client) -> dict[str, Any]:
    advice = hints(client)
    return admin.describe(client) | ({"hints": advice} if advice else {})


def _ended(issuer: Issuer, client: Client) -> OperationResult:
    return OperationResult(admin.describe(client) | {"needs_sweep": client_ending.needs_sweep(issuer, client)})


async def _create(issuer: Issuer, given: NewClient) -> OperationResult:
    return _new(await admin.create_client(issuer, given, given.secret))


async def _list(issuer: Issuer, given: ListedClients) -> OperationResult:
    page = await admin.list_clients(issuer, given.cursor, given.limit)
    listed = [client for client in page.rows if client.registration or not given.registered]
    return OperationResult.of_list("clients", page._replace(rows=listed), admin.describe)


async def _show(issuer: Issuer, given: NamedClient) -> OperationResult:
    return _answer(await admin.get_client(issuer, given.client_id))


async def _update(issuer: Issuer, given: Any) -> OperationResult:
    changes = {name: getattr(given, name) for name in given.model_fields_set if name not in _ADDRESSED}
    return _answer(await admin.update_client(issuer, given.client_id, changes, if_match=given.if_match))


async def _replace(issuer: Issuer, given: Any) -> OperationResult:
    members = {name: getattr(given, name) for name in _MEMBERS}
    return _answer(await admin.update_client(issuer, given.client_id, members, if_match=given.if_match))


async def _rotate_secret(issuer: Issuer, given: RotatedSecret) -> OperationResult:
    return _new(await admin.rotate_secret(issuer, given.client_id, secret=given.secret, keep_old=given.keep_old))


async def _drop_old_secret(issuer: Issuer, given: NamedClient) -> OperationResult:
    return _answer(await admin.drop_old_secret(issuer, given.client_id))


async def _disable(issuer: Issuer, given: NamedClient) -> OperationResult:
    return _answer(await client_ending.disable_client(issuer, given.client_id))


async def _enable(issuer: Issuer, given: NamedClient) -> OperationResult:
    return _answer(await client_ending.enable_client(issuer, given.client_id))


async def _approve(issuer: Issuer, given: ApprovedClient) -> OperationResult:
    return _answer(await approval.approve_client(issuer, given.client_id, if_match=given.if_match))


async def _withdraw_approval(issuer: Issuer, given: NamedClient) -> OperationResult:
    return _answer(await approval.withdraw_approval(issuer, given.client_id))


async def _revoke(issuer: Issuer, given: NamedClient) -> OperationResult:
    return _ended(issuer, await client_ending.revoke_client(issuer, given.client_id))


async def _delete(issuer: Issuer, given: NamedClient) -> OperationResult:
    return _ended(issuer, await client_ending.delete_client(issuer, given.client_id))


async def _sweep(issuer: Issuer, given: SweptClient) -> OperationResult:
    swept, cursor = await client_ending.sweep_client_page(issuer, given.client_id, given.cursor, given.limit)
    return OperationResult({"grants": swept, "cursor": cursor})


CREATE = Operation(
    "client.create",
    "Register a client. A confidential one gets a secret, shown now only.",
    NewClient,
    NewlyShownClient,
    _create,
)
LIST = Operation(
    "client.list",
    "List clients, in no order.",
    ListedClients,
    ClientList,
    _list,
    columns=("client_id", "name", "enabled", "auth_method", "grant_types", "scopes"),
)
SHOW = Operation("client.show", "Show everything about a client but its secrets.", NamedClient, ShownClient, _show)
UPDATE = Operation("client.update", "Change what is named of a client.", ClientChanges, ShownClient, _update)
REPLACE = Operation("client.replace", "Say anew all that a client is.", ClientReplacement, ShownClient, _replace)
DELETE = Operation(
    "client.delete",
    "Delete a client, and with it all it holds.",
    NamedClient,
    EndedClient,
    _delete,
    is_destructive=True,
)
ROTATE_SECRET = Operation(
    "client.rotate_secret",
    "Give a client a new secret, shown now only.",
    RotatedSecret,
    NewlyShownClient,
    _rotate_secret,
)
DROP_OLD_SECRET = Operation(
    "client.drop_old_secret",
    "End the secret that a rotation kept.",
    NamedClient,
    ShownClient,
    _drop_old_secret,
    is_destructive=True,
)
DISABLE = Operation(
    "client.disable",
    "Refuse a client and all it holds until it is enabled again.",
    NamedClient,
    ShownClient,
    _disable,
    is_destructive=True,
)
ENABLE = Operation("client.enable", "Let a disabled client in again.", NamedClient, ShownClient, _enable)
APPROVE = Operation(
    "client.approve",
    "Say of a client that registered itself that you have checked its name and addresses, until it changes itself.",
    ApprovedClient,
    ShownClient,
    _approve,
)
WITHDRAW_APPROVAL = Operation(
    "client.withdraw_approval",
    "Warn users again of a client that registered itself.",
    NamedClient,
    ShownClient,
    _withdraw_approval,
    is_destructive=True,
)
REVOKE = Operation(
    "client.revoke",
    "End every grant and token of a client, for good; it may ask anew.",
    NamedClient,
    EndedClient,
    _revoke,
    is_destructive=True,
)
SWEEP = Operation(
    "client.sweep", "Free what dead grants of a client take in Redis, where they never end.", SweptClient, Swept, _sweep
)

OPERATIONS = (
    CREATE,
    LIST,
    SHOW,
    UPDATE,
    REPLACE,
    DELETE,
    ROTATE_SECRET,
    DROP_OLD_SECRET,
    DISABLE,
    ENABLE,
    APPROVE,
    WITHDRAW_APPROVAL,
    REVOKE,
    SWEEP,
)
