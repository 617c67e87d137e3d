"""The question before an act, on a page of its own: what will happen, and for what cannot be undone a name to type."""

from typing import NamedTuple

from service.admin.errors import NotFound
from service.admin.operations import AnyOperation
from service.fronts.console.pages import Show


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
    """An act, and where its answer is sent."""

    act: Act
    here: str
    name: str
    """What it is done to, as operators know it."""
    path: str
    fields: dict[str, str]
    back: str
    key: str = ""
    """What is to be typed."""

    def page(self, fault: str = "", status: int = 200) -> Show:
        """Return the page that asks it."""
        values = {
            "here": self.here,
            "title": self.act.title.format(name=self.name),
            "text": self.act.text,
            "button": self.act.button,
            "danger": self.act.operation.is_destructive,
            "action": self.path,
            "fields": self.fields,
            "back": self.back,
            "typed": self.key if self.act.typed else "",
            "fault": fault,
        }
        return Show("confirm", values, status)

    def refusal(self, typed: str, what: str = "") -> Show | None:
        """Return the page again where another name was typed, None where it may be done."""
        if not self.act.typed or typed == self.key:
            return None
        return self.page(f"Type {what or self.key} to confirm.", 422)


def act_of(acts: dict[str, Act], name: str) -> Act:
    """Return the act of this name. Raises NotFound."""
    if name not in acts:
        raise NotFound("there is no such act")
    return acts[name]
