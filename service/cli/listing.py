"""Reading pages until there are enough items."""

from typing import Annotated, Any

import typer

from service.admin.operations import AnyOperation, Do
from service.cli.acting import act
from service.cli.output import say

LOOKING = "looking through Redis …"

_MOST = 500
"""The most items per request."""

Limit = Annotated[int, typer.Option(min=0, help="Stop after about this many; 0 = show all.", metavar="NUMBER")]
Cursor = Annotated[str, typer.Option(help="Continue after the end of the previous list.", metavar="CURSOR")]


def collect(
    operation: AnyOperation, members: str, limit: int, cursor: str, **given: object
) -> tuple[list[dict[str, Any]], str]:
    """Return up to ``limit`` items from as many pages as necessary, and the cursor of the next page.

    ``members`` is the member of a page that has its items. A page scans ten keys for each item, more while none is found.
    """
    has_limit = "limit" in operation.input.model_fields

    async def collected(do: Do) -> tuple[list[dict[str, Any]], str]:
        found: list[dict[str, Any]] = []
        at, count = cursor, max(1, min(limit, _MOST) // 10) if limit else _MOST
        while True:
            page = await do(operation, {**given, "cursor": at} | ({"limit": count} if has_limit else {}))
            found += page[members]
            at = page["cursor"]
            if not at or (limit and len(found) >= limit):
                return found, at
            count = count if page[members] else min(count * 2, _MOST)

    return act(collected, LOOKING)


def each_once(found: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Return each item once, by the member ``name``, as a scan may return one twice."""
    by_name = {one[name]: one for one in found}
    return [by_name[key] for key in sorted(by_name)]


def report_rest(cursor: str, shown: int, what: str) -> None:
    """Print how many items were shown, and how to see the rest."""
    say(f"{shown} {what}{'' if shown == 1 else 's'}" + (f"; there may be more: --cursor {cursor}" if cursor else ""))
