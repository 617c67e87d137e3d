"""Operations on hooks: list and try the operator's own code that is called and notified."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, JsonValue

from service.admin import hooks as admin
from service.admin.operations.operation import Operation, OperationResult, Output, list_of
from service.hooks.hook import Hook
from service.protocol.names import HookEvent


class ShownHook(Output[Hook]):
    """A hook without its secrets."""

    name: str
    place: Annotated[str, Field(description="Of a URL only where it leads.")]
    events: tuple[HookEvent, ...]
    timeout: Annotated[float, Field(description="Seconds.")]
    on_failure: str

    @classmethod
    def of(cls, result: Hook) -> OperationResult:
        """Return the hook as in the settings, without the query of its URL, which may be a secret."""
        given, parts = result.settings, urlsplit(result.settings.url or "")
        leads = f"{parts.scheme}://{parts.netloc}{parts.path}" if given.url else f"entry point {given.entry_point}"
        others = {"events": [event.value for event in given.events], "timeout": given.timeout}
        return OperationResult({"name": result.name, "place": leads, **others, "on_failure": given.on_failure})


class TriedEvent(Output[admin.Tried]):
    """The answer of a hook to one event."""

    event: HookEvent
    milliseconds: float
    answer: JsonValue
    fault: Annotated[str, Field(description="Why the answer would not count, empty where it would.")]


class TriedHook(Output[admin.TriedHook]):
    """The answers to a made-up event of each kind."""

    hook: str
    events: tuple[TriedEvent, ...]

    @classmethod
    def of(cls, result: admin.TriedHook) -> OperationResult:
        """Return the answers as output."""
        return OperationResult({"hook": result.hook, "events": [TriedEvent.of(one).body for one in result.events]})


LIST = Operation(
    "hook.list",
    "List the hooks that the settings name.",
    admin.list_hooks,
    list_of("hooks", ShownHook, "As the settings name them."),
    columns=("name", "place", "events", "timeout", "on_failure"),
)
TRY = Operation(
    "hook.test", "Send a hook a made-up event of each kind that it is there for.", admin.try_hook, TriedHook
)
