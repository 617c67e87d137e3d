"""The question before an act, on a page of its own: what will happen, and for what cannot be undone a name to type."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from service.admin.errors import NotFound, Outdated
from service.admin.operations import AnyOperation
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Go, Show


class Act(NamedTuple):
    """Something that is done after a question; ``{name}`` in its title is what it is done to."""

    title: str
    text: str
    button: str
    operation: AnyOperation
    done: str = ""
    """What the page that comes next says has been done."""
    typed: bool = False
    """Whether the name must be typed to confirm."""


class Question(NamedTuple):
    """An act, and what it is done to."""

    act: Act
    here: str
    name: str
    """What it is done to, as operators know it."""
    fields: dict[str, str]
    back: str
    key: str = ""
    """What is to be typed."""
    what: str = ""
    """What that is called, where it is too long to be said again."""


def act_of(acts: dict[str, Act], name: str) -> Act:
    """Return the act of this name. Raises NotFound."""
    if name not in acts:
        raise NotFound("there is no such act")
    return acts[name]


def confirmed(
    path: str,
    question: Callable[[ConsoleRequest], Awaitable[Question]],
    perform: Callable[[ConsoleRequest, Question], Awaitable[Go]],
) -> ConsolePage:
    """Return the page that asks before an act, and does it when the answer comes.

    Args:
        path: Where it is.
        question: What is asked. Raises NotFound.
        perform: Does it, and says where to go then.
    """

    def page(confirmation: Question, fault: str = "", status: int = 200) -> Show:
        values = {
            "here": confirmation.here,
            "title": confirmation.act.title.format(name=confirmation.name),
            "text": confirmation.act.text,
            "button": confirmation.act.button,
            "danger": confirmation.act.operation.is_destructive,
            "action": path,
            "fields": confirmation.fields,
            "back": confirmation.back,
            "typed": confirmation.key if confirmation.act.typed else "",
            "fault": fault,
        }
        return Show("confirm", values, status)

    async def ask(request: ConsoleRequest) -> ConsoleReply:
        return page(await question(request))

    async def act(request: ConsoleRequest) -> ConsoleReply:
        confirmation = await question(request)
        if confirmation.act.typed and request.get("typed") != confirmation.key:
            return page(confirmation, f"Type {confirmation.what or confirmation.key} to confirm.", 422)
        try:
            return await perform(request, confirmation)
        except Outdated:
            return page(confirmation, "It was changed meanwhile: look at it again.", 409)

    return ConsolePage(path, get=ask, post=act)
