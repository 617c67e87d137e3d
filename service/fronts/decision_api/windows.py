"""Authlete's windows of lists: from ``start`` up to, but without, ``end``.

Records without an order and a count (tokens of a client, clients) are read in our pages, in the order of Redis, up to a bound.
Beyond it ``totalCount`` is the number of entries that were read, and ``resultMessage`` says that there are more.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NamedTuple, Self, TypeVar

from pydantic import Field, model_validator

from service.fronts.decision_api.call import Body

_Item = TypeVar("_Item")

WIDEST = 500
"""The most entries in one answer."""
_PAGES = 20
"""The most pages of a list that one call reads."""
_MORE = "There are more than one call looks at: narrow the list down."


class WindowBody(Body):
    """The requested part of a list; by default five entries, as with Authlete."""

    start: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    end: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    """The index of the first entry after it."""

    @model_validator(mode="after")
    def _is_a_window(self) -> Self:
        if not 0 <= self.stop - self.start <= WIDEST:
            raise ValueError(f"end must not be before start, nor more than {WIDEST} after it")
        return self

    @property
    def stop(self) -> int:
        """The end of the window; an ``end`` of 0 counts as none, as the SDKs send it by default."""
        return self.end or self.start + 5


class Window(NamedTuple):
    """A part of a list."""

    items: Sequence[Any]
    total: int
    """The number of entries that were read."""
    detail: str
    """The message where there are more entries; otherwise ""."""

    def members(self, window: WindowBody) -> dict[str, Any]:
        """Return the members of every answer with a list."""
        return {"start": window.start, "end": window.stop, "totalCount": self.total}


def cut(items: Sequence[_Item], window: WindowBody) -> Window:
    """Return a window of a complete list."""
    return Window(items[window.start : window.stop], len(items), "")


async def read_window(page_at: Callable[[str], Awaitable[tuple[Sequence[_Item], str]]], window: WindowBody) -> Window:
    """Return a window of a list in pages.

    Args:
        page_at: Returns the entries at a cursor, and the next cursor, "" at the end.
        window: The requested window.
    """
    found: list[_Item] = []
    cursor = ""
    for _ in range(_PAGES):
        items, cursor = await page_at(cursor)
        found += items
        if not cursor:
            break
    return Window(found[window.start : window.stop], len(found), _MORE if cursor else "")
