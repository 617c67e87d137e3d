"""A hook in this process: an object that a package offers under the entry point group ``mintmark.hooks``.

Its methods are named as the events, ``async def claims(self, facts: dict) -> dict | None``, and answer what a webhook would. It
runs on the event loop of the service: a method that blocks instead of awaiting holds up every request, and no timeout ends it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from importlib.metadata import entry_points
from inspect import iscoroutinefunction
from typing import Any

import orjson

from service.hooks.message import HookError, Message
from service.protocol.names import HookEvent

GROUP = "mintmark.hooks"


def load_entry_point(group: str, name: str) -> object:
    """Return the object that a package offers. Raises ValueError that says what is wrong with it."""
    found = entry_points(group=group, name=name)
    if not found:
        raise ValueError(f"no installed package offers {name!r} as an entry point of {group}")
    try:
        return next(iter(found)).load()
    except Exception as error:
        raise ValueError(f"{name!r} of {group} cannot be loaded: {type(error).__name__}: {error}") from error


class PythonHook:
    """An object of this process; a class is called without arguments.

    It has a method of the name of each event; ``timeout`` is in seconds.
    """

    def __init__(self, entry_point: str, events: Collection[HookEvent], timeout: float) -> None:
        self._name, self._events, self._timeout = entry_point, events, timeout
        self._object: Any = None

    def load(self) -> None:
        """Load it. Raises ValueError where it is not there, or lacks a method for one of its events."""
        made = load_entry_point(GROUP, self._name)
        made = made() if isinstance(made, type) else made
        for event in self._events:
            if not iscoroutinefunction(getattr(made, event.value, None)):
                raise ValueError(f"{self._name!r} of {GROUP} has no method `async def {event.value}(self, facts)`")
        self._object = made

    async def ask(self, message: Message) -> Mapping[str, Any] | None:
        """Return the answer of its method, in the form of JSON. Raises HookError."""
        if self._object is None:
            self.load()
        method: Callable[[dict[str, Any]], Awaitable[Any]] = getattr(self._object, message.event.value)
        own = orjson.loads(orjson.dumps(message.facts))  # it may change them as it likes
        try:
            async with asyncio.timeout(self._timeout):
                answer = await method(own)
            answer = orjson.loads(orjson.dumps(answer))
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            raise HookError("gave up: something that it waited for was cancelled") from error
        except (Exception, SystemExit) as error:  # the text of an error in foreign code may hold anything
            raise HookError(f"raised {type(error).__name__}") from error
        if answer is not None and not isinstance(answer, dict):
            raise HookError("answered something that is not a dict")
        return answer

    async def notify(self, message: Message) -> None:
        """Call its method. Raises HookError."""
        await self.ask(message)


def _is_being_cancelled() -> bool:
    """Whether this task is to end; otherwise an error that looks the same came from within the hook."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
