"""Lists of records that have no index in Redis: each page scans a bounded part of the keys."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from service.admin.operations import AnyOperation
from service.fronts.console.pages import ConsoleRequest

SHOWN = 50
"""The number of rows of a page, about."""
LIMITS = (*(SHOWN // 10 * 2**call for call in range(7)), *(500,) * 9)
"""The limits of the calls for one page, each of which scans about ten times as many keys.

The first scans as many as there are rows, so that a page is about that long even where every key is a row.
"""

Row = Mapping[str, Any]


async def scan(
    request: ConsoleRequest,
    operation: AnyOperation,
    member: str,
    matches: Callable[[Row], bool] = lambda _: True,
    limits: Sequence[int | None] = LIMITS,
    **given: object,
) -> tuple[list[Row], str]:
    """Scan for rows of a list.

    Args:
        request: The request, with the ``cursor`` at which to continue.
        operation: Lists the rows.
        member: The member of its output with the rows.
        matches: Whether a row is included.
        limits: The ``limit`` of each call, None where the operation has none; there are no more calls than these.
        given: The operation's input besides the cursor.

    Returns:
        The rows, and the cursor of the next page, "" at the end.
    """
    found, cursor = list[Row](), request.get("cursor")
    for limit in limits:
        page = await request.do(operation, cursor=cursor, **given, **({} if limit is None else {"limit": limit}))
        found += filter(matches, page[member])
        cursor = page["cursor"]
        if not cursor or len(found) >= SHOWN:
            break
    return found, cursor


async def search(
    request: ConsoleRequest,
    lists: AnyOperation,
    shows: AnyOperation,
    member: str,
    key: str,
    other: str,
    **given: object,
) -> dict[str, Any]:
    """Search for rows whose name contains the text, with an exact match first.

    Args:
        request: The request, with the text in ``q``.
        lists: Lists all rows.
        shows: Shows one row by its name.
        member: The member of the list's output with the rows.
        key: The member with the name of a row.
        other: Another member that is searched.
        given: Further input of the list.

    Returns:
        The values of a page with a list.
    """
    wanted, first = request.get("q"), not request.get("cursor")
    words = wanted.lower()
    exact = await request.find(shows, **{key: wanted}) if wanted and first else None

    def matches(row: Row) -> bool:
        return words in row[key].lower() or words in row[other].lower()

    found, cursor = await scan(request, lists, member, matches, LIMITS, **given)
    rest = sorted((row for row in found if exact is None or row[key] != exact[key]), key=lambda row: row[key])
    return {
        "here": member,
        member: [exact, *rest] if exact else rest,
        "wanted": wanted,
        "cursor": cursor,
        "first": first,
        "done": request.outcome.get("done", ""),
        "about": request.outcome.get("about", ""),
    }
