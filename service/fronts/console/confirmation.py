"""The confirmation page before an act: it says what will happen and, if that cannot be undone, has the name typed."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from service.admin.errors import NotFound, Outdated
from service.admin.operations import AnyOperation
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Go, Show
from service.protocol.display_names import spelled_out


class Act(NamedTuple):
    """An act that needs confirmation; ``{name}`` in its title is replaced by the name of its target."""

    title: str
    text: str
    button: str
    operation: AnyOperation
    done: str = ""
    """The name of the message on the next page."""
    typed: bool = False
    """Whether the name must be typed to confirm."""


class Question(NamedTuple):
    """An act with its target."""

    act: Act
    here: str
    name: str
    """The name of the target for operators."""
    fields: dict[str, str]
    back: str
    key: str = ""
    """The text to type."""
    what: str = ""
    """The word for the key in a message, where the key is too long to be repeated."""


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
    """Return the page that asks for confirmation and then performs the act.

    Args:
        path: The path of the page.
        question: Returns the question. Raises NotFound.
        perform: Performs the act, and returns the redirect.
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
        if confirmation.act.typed and request.get("typed") not in (confirmation.key, spelled_out(confirmation.key)):
            return page(confirmation, f"Type {confirmation.what or confirmation.key} to confirm.", 422)
        try:
            return await perform(request, confirmation)
        except Outdated:
            return page(confirmation, "It was changed meanwhile: look at it again.", 409)

    return ConsolePage(path, get=ask, post=act)
