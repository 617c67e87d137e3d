"""Lists in Authlete's way: from ``start`` to before ``end`` of a list that has an order and a length.

What is not kept in such a list (tokens of a client, clients) is read in the house's pages, in the order in which Redis has it,
and no further than to a bound: then ``totalCount`` is what was seen, and ``resultMessage`` says that there is more.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NamedTuple, Self, TypeVar

from pydantic import Field, model_validator

from service.fronts.decision_api.call import Body

_Item = TypeVar("_Item")

WIDEST = 500
"""Entries in one answer."""
_PAGES = 20
"""Pages of a list that one call reads."""
_MORE = "There are more than one call looks at: narrow the list down."


class WindowBody(Body):
    """Which part of a list is wanted: five entries where nothing is said, as with Authlete."""

    start: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    end: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    """The first entry behind it."""

    @model_validator(mode="after")
    def _is_a_window(self) -> Self:
        if not 0 <= self.stop - self.start <= WIDEST:
            raise ValueError(f"end must not be before start, nor more than {WIDEST} after it")
        return self

    @property
    def stop(self) -> int:
        """Where it ends; an ``end`` of 0 is none: the SDKs send it where nothing was said."""
        return self.end or self.start + 5


class Window(NamedTuple):
    """A part of a list."""

    items: Sequence[Any]
    total: int
    """How many entries were seen."""
    detail: str
    """Says so where that is not all."""

    def members(self, window: WindowBody) -> dict[str, Any]:
        """What every list answer has."""
        return {"start": window.start, "end": window.stop, "totalCount": self.total}


def cut(items: Sequence[_Item], window: WindowBody) -> Window:
    """Of a list that is known whole."""
    return Window(items[window.start : window.stop], len(items), "")


async def read_window(page_at: Callable[[str], Awaitable[tuple[Sequence[_Item], str]]], window: WindowBody) -> Window:
    """Of one that comes in pages. ``page_at``: a cursor → entries and the next cursor, empty at the end."""
    found: list[_Item] = []
    cursor = ""
    for _ in range(_PAGES):
        items, cursor = await page_at(cursor)
        found += items
        if not cursor:
            break
    return Window(found[window.start : window.stop], len(found), _MORE if cursor else "")
