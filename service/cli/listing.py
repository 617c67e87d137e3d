"""Going through pages until enough is found."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import typer

from service.cli.output import say

LOOKING = "looking through Redis …"

_MOST = 500
"""Things that are asked for at once."""

Limit = Annotated[int, typer.Option(min=0, help="Stop after about this many; 0 = show all.", metavar="NUMBER")]
Cursor = Annotated[str, typer.Option(help="Go on where the list before ended.", metavar="CURSOR")]

_Thing = TypeVar("_Thing")
Fetch = Callable[[str, int], Awaitable[tuple[Sequence[_Thing], str]]]


async def collect(fetch: Fetch[_Thing], limit: int, cursor: str) -> tuple[list[_Thing], str]:
    """Things of as many pages as it takes, and the cursor of the next page. ``fetch``: cursor, count → page.

    A page looks at ten keys for each thing wanted; while nothing is found, at more.
    """
    found: list[_Thing] = []
    count = max(1, min(limit, _MOST) // 10) if limit else _MOST
    while True:
        page, cursor = await fetch(cursor, count)
        found += page
        if not cursor or (limit and len(found) >= limit):
            return found, cursor
        count = count if page else min(count * 2, _MOST)


def tell_rest(cursor: str, shown: int, what: str) -> None:
    """Say how many there were, and how to see the rest."""
    say(f"{shown} {what}{'' if shown == 1 else 's'}" + (f"; there may be more: --cursor {cursor}" if cursor else ""))
