"""Hooks: code of the operator's own that is asked and notified."""

from typing import Annotated

from pydantic import Field, JsonValue

from service.admin import hooks as admin
from service.admin.input import Input
from service.admin.operations.operation import Name, NoInput, Operation, OperationResult, Output
from service.issuer import Issuer
from service.protocol.names import HookEvent


class NamedHook(Input):
    """A hook by its name in the settings."""

    hook: Name


class ShownHook(Output):
    """A hook without its secrets."""

    name: str
    place: Annotated[str, Field(description="Of a URL only where it leads.")]
    events: tuple[HookEvent, ...]
    timeout: Annotated[float, Field(description="Seconds.")]
    on_failure: str


class HookList(Output):
    """As the settings name them."""

    hooks: tuple[ShownHook, ...]


class TriedEvent(Output):
    """What a hook answered to one event."""

    event: HookEvent
    milliseconds: float
    answer: JsonValue
    fault: Annotated[str, Field(description="Why the answer would not count, empty where it would.")]


class TriedHook(Output):
    """What came back for a made-up event of each kind."""

    hook: str
    events: tuple[TriedEvent, ...]


class TriedFor(NamedHook):
    """Whom the event is about; left out it is about a user who does not exist."""

    user: Annotated[str, Field(max_length=255, description="Username, or subject.")] = ""
    client: Annotated[str, Field(max_length=255, description="client_id, or alias.")] = ""


async def _list(issuer: Issuer, _: NoInput) -> OperationResult:
    return OperationResult({"hooks": admin.list_hooks(issuer)})


async def _try(issuer: Issuer, given: TriedFor) -> OperationResult:
    tried = await admin.try_hook(issuer, given.hook, given.user, given.client)
    rows = [
        {"event": one.event, "milliseconds": one.milliseconds, "answer": one.answer, "fault": one.fault}
        for one in tried
    ]
    return OperationResult({"hook": given.hook, "events": rows})


LIST = Operation(
    "hook.list",
    "List the hooks that the settings name.",
    NoInput,
    HookList,
    _list,
    columns=("name", "place", "events", "timeout", "on_failure"),
)
TRY = Operation(
    "hook.test", "Send a hook a made-up event of each kind that it is there for.", TriedFor, TriedHook, _try
)

OPERATIONS = (LIST, TRY)
