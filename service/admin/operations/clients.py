"""Operations on clients: make, change, list, end them; their secrets and alternative ids."""

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from service.admin import approval, client_ending, client_hints
from service.admin import clients as admin
from service.admin.client_input import ClientInput
from service.admin.etags import etag
from service.admin.input import IfMatch, Input, OptionalIfMatch
from service.admin.operations.operation import (
    AnyOperation,
    Do,
    Hints,
    NextCursor,
    Operation,
    OperationResult,
    Output,
    Seconds,
    ShownETag,
    page_of,
    with_hints,
)
from service.admin.profile_check import CheckedRule, ProfileCheck, check_profile
from service.issuer import Issuer
from service.records.client import Client

_Result = TypeVar("_Result")

# input


def _typed(field: FieldInfo) -> object:
    """Return the type of a member with its checks."""
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


_MEMBERS: dict[str, Any] = {
    name: (_typed(field), field.default) for name, field in ClientInput.model_fields.items() if name != "client_id"
}
_ADDRESSED: dict[str, Any] = {"client_id": (admin.ClientName, ...), "if_match": (IfMatch, None)}


def _addressed(name: str, text: str) -> type[Input]:
    """Return the model of members for an existing client."""
    return create_model(name, __base__=Input, __doc__=text, **_ADDRESSED, **_MEMBERS)


ClientChanges = _addressed("ClientChanges", "What is to be changed; a list is replaced as a whole.")
ClientReplacement = _addressed(
    "ClientReplacement", "A client as it is to be: what is left out becomes what it is where nothing is said."
)


HINTED = client_hints.HINTED
"""The members that there are hints on."""

# output


class ShownSecret(Output[None]):
    """A secret, of which only its existence is shown."""

    kind: Literal["generated", "imported"]
    created_at: Seconds


class _Described(Output[_Result], Generic[_Result]):
    """A client without the members of the client metadata table."""

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
    etag: ShownETag
    approved: Annotated[
        bool,
        Field(description="Of one that registered itself, whether it was checked as it is now; left out of others."),
    ] = False
    hints: Hints = ()


class _Listed(_Described[Client]):
    @classmethod
    def of(cls, result: Client) -> OperationResult:
        return OperationResult(admin.describe(result))


class _Shown(_Described[Client]):
    @classmethod
    def of(cls, result: Client) -> OperationResult:
        return OperationResult(admin.describe(result), etag(result))

    @classmethod
    async def seen_by(cls, issuer: Issuer, result: Client) -> OperationResult:
        return with_hints(cls.of(result), await client_hints.hints(issuer, result))


class _New(_Described[admin.NewSecret]):
    client_secret: str | None

    @classmethod
    def of(cls, result: admin.NewSecret) -> OperationResult:
        shown = _Shown.of(result.client)
        return shown._replace(body={**shown.body, "client_secret": result.secret})

    @classmethod
    async def seen_by(cls, issuer: Issuer, result: admin.NewSecret) -> OperationResult:
        return with_hints(cls.of(result), await client_hints.hints(issuer, result.client))


class _EndedClient(NamedTuple):
    client: Client
    needs_sweep: bool


class _Ended(_Described[_EndedClient]):
    needs_sweep: Annotated[
        bool, Field(description="Its refresh tokens never end by themselves: `sweep` frees what they take in Redis.")
    ]

    @classmethod
    def of(cls, result: _EndedClient) -> OperationResult:
        return OperationResult(admin.describe(result.client) | {"needs_sweep": result.needs_sweep})


class _ChangedClient(NamedTuple):
    client: Client
    has_ended: bool
    """Whether all that it was issued has ended."""
    needs_sweep: bool


class _Changed(_Described[_ChangedClient]):
    ended: Annotated[
        bool,
        Field(
            description="All that it was issued has ended, as it knows its users by another sub; left out where not."
        ),
    ] = False
    needs_sweep: Annotated[bool, Field(description="As after `revoke`; left out where nothing has ended.")] = False

    @classmethod
    def of(cls, result: _ChangedClient) -> OperationResult:
        shown = _Shown.of(result.client)
        ended = {"ended": True, "needs_sweep": result.needs_sweep} if result.has_ended else {}
        return shown._replace(body={**shown.body, **ended})

    @classmethod
    async def seen_by(cls, issuer: Issuer, result: _ChangedClient) -> OperationResult:
        return with_hints(cls.of(result), await client_hints.hints(issuer, result.client))


class _Previewed(Output[ClientInput]):
    @classmethod
    def of(cls, result: ClientInput) -> OperationResult:
        return OperationResult(result.model_dump(mode="json"))


def _whole(name: str, text: str, part: type[Output[_Result]]) -> type[Output[_Result]]:
    """Return the model of a client with every member; of secrets only that they exist."""
    members: dict[str, Any] = {member: (field.annotation, ...) for member, field in ClientInput.model_fields.items()}
    return create_model(name, __base__=part, __doc__=text, **members)


ListedClient = _whole("ListedClient", "A client in a list.", _Listed)
ShownClient = _whole("ShownClient", "A client, but nothing of its secrets.", _Shown)
ChangedClient = _whole("ChangedClient", "A changed client, but nothing of its secrets.", _Changed)
PreviewedClient = _whole("PreviewedClient", "A client as it would be kept.", _Previewed)
EndedClient = _whole("EndedClient", "A client that holds nothing any more.", _Ended)
NewlyShownClient = _whole(
    "NewlyShownClient", "The one time that a secret is shown: null where it was imported, or there is none.", _New
)


class Swept(Output[client_ending.Swept]):
    """The number of dead grants that were deleted; call again with the cursor until it is empty."""

    grants: int
    cursor: NextCursor


class ShownRule(Output[CheckedRule]):
    """A rule of a security profile."""

    rule: str
    section: Annotated[str, Field(description="Where it is written.")]
    holds: bool
    text: Annotated[str, Field(description="What it demands.")]
    to_do: Annotated[str, Field(description="What to do where it does not hold, else empty.")]


class ShownProfileCheck(Output[ProfileCheck]):
    """Whether a client keeps a security profile, rule by rule."""

    client_id: str
    profile: Annotated[str, Field(description="Its name; two, where settings and client have one each.")]
    holds: Annotated[bool, Field(description="Whether every rule holds.")]
    rules: tuple[ShownRule, ...]

    @classmethod
    def of(cls, result: ProfileCheck) -> OperationResult:
        """Return the check as output."""
        return OperationResult({**result._asdict(), "rules": [rule._asdict() for rule in result.rules]})


# operations


async def _update(issuer: Issuer, given: Any) -> _ChangedClient:  # noqa: ANN401 (a model that is made of the table)
    changes = {name: getattr(given, name) for name in given.model_fields_set if name not in _ADDRESSED}
    return await _changed(issuer, given, changes)


async def _replace(issuer: Issuer, given: Any) -> _ChangedClient:  # noqa: ANN401 (as above)
    return await _changed(issuer, given, {name: getattr(given, name) for name in _MEMBERS})


async def _changed(issuer: Issuer, given: Any, changes: Mapping[str, Any]) -> _ChangedClient:  # noqa: ANN401 (as above)
    before = await admin.get_client(issuer, given.client_id)
    client = await admin.update_client(issuer, given.client_id, changes, if_match=given.if_match)
    has_ended = client.generation > before.generation
    return _ChangedClient(client, has_ended, has_ended and client_ending.needs_sweep(issuer, client))


async def _revoke(issuer: Issuer, client_id: admin.ClientName) -> _EndedClient:
    client = await client_ending.revoke_client(issuer, client_id)
    return _EndedClient(client, client_ending.needs_sweep(issuer, client))


async def _delete(issuer: Issuer, client_id: admin.ClientName, if_match: OptionalIfMatch = None) -> _EndedClient:
    client = await client_ending.delete_client(issuer, client_id, if_match)
    return _EndedClient(client, client_ending.needs_sweep(issuer, client))


async def end_and_sweep(do: Do, operation: AnyOperation, given: Mapping[str, Any]) -> dict[str, Any]:
    """End the grants of a client, and delete those from Redis that never expire by themselves.

    Args:
        do: Performs operations.
        operation: ``REVOKE`` or ``DELETE``, or ``UPDATE``, which may end them.
        given: The input of the operation.
    """
    client = await do(operation, given)
    if client.pop("needs_sweep", False):
        await sweep(do, client["client_id"])
    return client


async def sweep(do: Do, client_id: str) -> None:
    """Delete the dead grants from Redis that never expire by themselves."""
    cursor: str | None = ""
    while cursor is not None:
        swept = await do(SWEEP, {"client_id": client_id, "cursor": cursor})
        cursor = swept["cursor"] or None


CREATE = Operation(
    "client.create",
    "Register a client. A confidential one gets a secret, shown now only.",
    admin.create_client,
    NewlyShownClient,
)
LIST = Operation(
    "client.list",
    "List clients, in no order.",
    admin.list_clients,
    page_of("clients", ListedClient),
    columns=("client_id", "name", "enabled", "auth_method", "grant_types", "scopes"),
)
SHOW = Operation("client.show", "Show everything about a client but its secrets.", admin.get_client, ShownClient)
PREVIEW = Operation(
    "client.preview",
    "Say what a client would be that is described so, with what its profile demands; nothing is kept.",
    admin.preview_client,
    PreviewedClient,
)
UPDATE = Operation("client.update", "Change what is named of a client.", _update, ChangedClient, ClientChanges)
REPLACE = Operation("client.replace", "Say anew all that a client is.", _replace, ChangedClient, ClientReplacement)
DELETE = Operation(
    "client.delete", "Delete a client, and with it all it holds.", _delete, EndedClient, is_destructive=True
)
ROTATE_SECRET = Operation(
    "client.rotate_secret", "Give a client a new secret, shown now only.", admin.rotate_secret, NewlyShownClient
)
DROP_OLD_SECRET = Operation(
    "client.drop_old_secret",
    "End the secret that a rotation kept.",
    admin.drop_old_secret,
    ShownClient,
    is_destructive=True,
)
DISABLE = Operation(
    "client.disable",
    "Refuse a client and all it holds until it is enabled again.",
    client_ending.disable_client,
    ShownClient,
    is_destructive=True,
)
ENABLE = Operation("client.enable", "Let a disabled client in again.", client_ending.enable_client, ShownClient)
APPROVE = Operation(
    "client.approve",
    "Say of a client that registered itself that you have checked its name and addresses, until it changes itself.",
    approval.approve_client,
    ShownClient,
)
WITHDRAW_APPROVAL = Operation(
    "client.withdraw_approval",
    "Warn users again of a client that registered itself.",
    approval.withdraw_approval,
    ShownClient,
    is_destructive=True,
)
REVOKE = Operation(
    "client.revoke",
    "End every grant and token of a client, for good; it may ask anew.",
    _revoke,
    EndedClient,
    is_destructive=True,
)
CHECK = Operation(
    "client.check",
    "Say rule by rule whether a client keeps a security profile, and what is to be done.",
    check_profile,
    ShownProfileCheck,
)
SWEEP = Operation(
    "client.sweep",
    "Free what dead grants of a client take in Redis, where they never end.",
    client_ending.sweep_client,
    Swept,
)
